-- Those of the next series whose points go by their own time, as a JSON array of ids, and the last of the next series (NULL: there is
-- none). The points of others stay with their session: it is in the file, or pinned. :after is the last series before, :limit how
-- many are looked at, :services an array of services (empty: all).
WITH looked AS MATERIALIZED (
  SELECT m.id, m.resource, m.session_id FROM _metric_series AS m WHERE m.id > :after ORDER BY m.id LIMIT :limit
)
SELECT
  (
    SELECT json_group_array(n.id)
    FROM looked AS n
    WHERE (n.session_id IS NULL OR NOT (
        EXISTS (SELECT 1 FROM _sessions AS x WHERE x.session_id = n.session_id AND x.end_time_unix_nano IS NOT NULL)
        OR EXISTS (
          SELECT 1 FROM _marks AS k WHERE k.session_id = n.session_id AND k.trace_id = '' AND k.kind = 0 AND k.is_set = 1
        )
      ))
      AND (:services = '[]' OR (SELECT r.service_name FROM _resources AS r WHERE r.id = n.resource) IN (
        SELECT j.value FROM json_each(:services) AS j
      ))
  ) AS series,
  (SELECT max(n.id) FROM looked AS n) AS last;
