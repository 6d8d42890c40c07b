-- The migrations of attribute-row files that are not complete, the oldest first: the last stage that was noted, whether
-- the old tables are in this file, and the backup that was written before (NULL: none). The last stage of all is cleanup.
SELECT
  (SELECT stage FROM _legacy_stages AS last WHERE last.source = s.source ORDER BY last.id DESC LIMIT 1) AS stage,
  max(s.stage = 'schema' AND s.position <> 'null') AS is_in_place,
  max(iif(s.stage = 'backup', s.position ->> '$', NULL)) AS backup
FROM _legacy_stages AS s
GROUP BY s.source
HAVING max(s.stage = 'cleanup' AND s.is_done) = 0
ORDER BY min(s.id);
