-- The instruments that meet the filters (NULL: none), after one of that name and id, by name.
SELECT m.*
FROM metrics AS m
WHERE (m.name, m.id) > (:after_name, :after_id)
  AND (:names IS NULL OR EXISTS (SELECT 1 FROM json_each(:names) AS n WHERE m.name GLOB n.value))
  AND (:kinds IS NULL OR m.kind IN (SELECT k.value FROM json_each(:kinds) AS k))
  AND (:units IS NULL OR m.unit IN (SELECT u.value FROM json_each(:units) AS u))
  AND (
    coalesce(:services, :sessions, :users) IS NULL
    OR EXISTS (
      SELECT 1
      FROM _metric_series AS s
      JOIN _resources AS r ON r.id = s.resource
      WHERE s.instrument = m.id
        AND (:services IS NULL OR r.service_name IN (SELECT v.value FROM json_each(:services) AS v))
        AND (:sessions IS NULL OR s.session_id IN (SELECT v.value FROM json_each(:sessions) AS v))
        AND (:users IS NULL OR s.user_id IN (SELECT v.value FROM json_each(:users) AS v))
    )
  )
  AND (:since IS NULL OR m.last_time_unix_nano >= :since)
  AND (:until IS NULL OR m.first_time_unix_nano < :until)
ORDER BY m.name, m.id
LIMIT :limit
