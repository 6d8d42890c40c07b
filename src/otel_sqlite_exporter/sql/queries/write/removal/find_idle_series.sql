-- Which of the next series have no points, as a JSON array of ids, and the last of these series (NULL: there are no more). :after
-- is the last series before, :limit how many are looked at.
WITH looked AS MATERIALIZED (SELECT m.id FROM _metric_series AS m WHERE m.id > :after ORDER BY m.id LIMIT :limit)
SELECT
  (
    SELECT json_group_array(n.id) FROM looked AS n
    WHERE NOT EXISTS (SELECT 1 FROM _metric_points AS p WHERE p.is_sorted IN (0, 1) AND p.series = n.id)
  ) AS series,
  (SELECT max(n.id) FROM looked AS n) AS last;
