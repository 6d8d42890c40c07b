CREATE VIEW _whole_attributes AS
-- One row for each span that shares texts with others (its column texts is not NULL), with its whole attributes.
-- Private: for such a span, every other reader of _spans.attributes reads this view instead.
SELECT
  s.id AS span,
  (
    -- json_tree goes through the places in their order, and in each through its texts.
    SELECT group_concat(CASE
      WHEN p.path = '$' THEN substr(s.attributes, p.value ->> 0, p.value ->> 1)
      WHEN p.path GLOB '$[[]*[[]2]' THEN (SELECT t.text FROM _texts AS t WHERE t.id = p.value)
    END, '')
    FROM json_tree(s.texts) AS p
  ) AS attributes
FROM _spans AS s
WHERE s.texts IS NOT NULL;
