CREATE VIEW _whole_attributes AS
-- One row for each span that shares texts with others (its column texts is not NULL), with its whole attributes.
-- Private: for such a span, every other reader of _spans.attributes reads this view instead.
SELECT
  s.id AS span,
  (
    SELECT group_concat(pieces.text, '')
    FROM (
      SELECT substr(s.attributes, p.value ->> '$[0]', p.value ->> '$[1]') || coalesce((
        SELECT group_concat(texts.text, '')
        FROM (SELECT t.text FROM json_each(p.value, '$[2]') AS w JOIN _texts AS t ON t.id = w.value ORDER BY w.key) AS texts
      ), '') AS text
      FROM json_each(s.texts) AS p
      ORDER BY p.key
    ) AS pieces
  ) AS attributes
FROM _spans AS s
WHERE s.texts IS NOT NULL;
