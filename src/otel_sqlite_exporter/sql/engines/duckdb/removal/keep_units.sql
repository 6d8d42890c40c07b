-- The units that stay at first: those that show a session that stays, and those without a session that stay by themselves.
-- What ended at $before or later stays, and what failed (a request of it) and ended at $failed_before or later; what is
-- pinned, or runs; and, where $services is not empty, what is not of these services: that of the root of the first trace.
CREATE OR REPLACE TABLE kept AS
WITH
  marked AS (
    SELECT k.session_id, k.trace_id, arg_max(k.is_set, (k.time_unix_nano, k.is_set, k.text)) AS is_set
    FROM _marks AS k
    WHERE k.kind = 'pin'
    GROUP BY k.session_id, k.trace_id
  ),
  places AS (
    SELECT
      p.unit,
      coalesce('s' || p.session_id, 'u' || p.unit) AS whole,
      p.end_time_unix_nano,
      p.failed_requests,
      coalesce(t.running, 0) AS running,
      s.session_id IS NOT NULL OR m.trace_id IS NOT NULL AS is_pinned,
      coalesce(p.root_service_name, p.first_log_service_name) AS service_name,
      (p.root_service_name IS NULL, coalesce(p.trace_start_time_unix_nano, p.first_log_time_unix_nano, 0), p.trace_id) AS place
    FROM _trace_sessions AS p
    LEFT JOIN _traces AS t ON t.unit = p.unit
    LEFT JOIN marked AS s ON s.session_id = p.session_id AND s.is_set = 1
    LEFT JOIN marked AS m ON m.trace_id = p.trace_id AND m.is_set = 1
  ),
  stays AS (
    SELECT w.whole
    FROM places AS w
    GROUP BY w.whole
    HAVING max(w.end_time_unix_nano) >= $before
      OR (sum(w.failed_requests) > 0 AND max(w.end_time_unix_nano) >= $failed_before)
      OR bool_or(w.is_pinned)
      OR max(w.running) > 0
      OR (len($services::VARCHAR[]) > 0 AND NOT coalesce(
        list_contains($services::VARCHAR[], arg_min(w.service_name, w.place)), false
      ))
  )
SELECT DISTINCT w.unit FROM places AS w SEMI JOIN stays AS s ON s.whole = w.whole;
