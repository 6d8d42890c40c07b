CREATE OR REPLACE VIEW _score_means AS
-- One row for each session with scores that have a name and a value: an object of the mean of each name. Private.
SELECT
  n.session_id,
  '{' || string_agg(to_json(n.name) || ':' || CAST(n.mean AS VARCHAR), ',' ORDER BY n.name) || '}' AS score_means
FROM (
  SELECT o.session_id, o.name, round(avg(o.value), 12) AS mean
  FROM _scores AS o
  WHERE o.session_id IS NOT NULL AND o.name IS NOT NULL AND o.value IS NOT NULL
  GROUP BY o.session_id, o.name
  HAVING abs(avg(o.value)) <= 1.7976931348623157e308
) AS n
GROUP BY n.session_id;
