-- Ties the log records without a trace of a session in which calls failed: a request that failed reaches to the next prompt,
-- also on another day. Run it over all manifests.
CREATE OR REPLACE TABLE requests AS
WITH
  alone AS (
    SELECT p.unit, p.manifest, p.session_id, p.failed_calls
    FROM _trace_sessions AS p
    WHERE p.trace_id = '' AND p.session_id IS NOT NULL
  ),
  failed AS (
    SELECT a.session_id
    FROM alone AS a
    JOIN manifests AS m ON m.number = a.manifest
    GROUP BY a.session_id
    HAVING sum(a.failed_calls) > 0 AND min(a.manifest) <> max(a.manifest) AND NOT bool_and(m.is_settled)
  )
SELECT a.unit, a.manifest, hash('request', a.session_id) AS tie
FROM alone AS a
SEMI JOIN failed AS f ON f.session_id = a.session_id;
