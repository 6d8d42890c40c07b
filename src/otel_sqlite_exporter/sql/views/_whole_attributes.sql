CREATE VIEW _whole_attributes AS
-- One row a span that shares texts with others (its column texts is not NULL), with its attributes put together. Private:
-- all else that reads _spans.attributes takes them from here for such a span.
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
