-- Agents without calls, and some sessions that nothing shows, as JSON arrays of ids. :after is the last such session before,
-- :limit how many are looked at.
SELECT
  (SELECT json_group_array(a.id) FROM _agents AS a WHERE a.rows = 0) AS agents,
  (
    SELECT json_group_array(x.id)
    FROM (
      SELECT x.id FROM _sessions AS x WHERE x.end_time_unix_nano IS NULL AND x.id > :after ORDER BY x.id LIMIT :limit
    ) AS x
  ) AS sessions;
