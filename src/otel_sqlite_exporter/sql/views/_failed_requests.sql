CREATE VIEW _failed_requests AS
-- One row for each session, with the number of its requests that failed: see the view sessions. The writer counts the
-- failed spans without a local parent, so no span is read where there is one. A request of log records without spans
-- goes from a prompt of the user to the next; its last call tells how it ended. Private.
SELECT
  x.id AS session,
  (
    SELECT count(DISTINCT t.id) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
    WHERE p.session = x.id AND p.spans + p.logs > 0 AND CASE
      WHEN t.root_span_id = '' THEN 0
      WHEN t.root_rank = 2 THEN (SELECT s.status_code FROM _spans AS s WHERE s.trace = t.id AND s.span_id = t.root_span_id) = 2
      ELSE EXISTS (SELECT 1 FROM _trace_sessions AS q WHERE q.trace = t.id AND q.failed_entries > 0)
    END
  ) + (
    SELECT count(*)
    FROM (
      SELECT told_step.has_failed, lead(told_step.is_prompt, 1, 1) OVER (PARTITION BY told_step.trace_session ORDER BY told_step.time_unix_nano, told_step.is_prompt DESC, told_step.has_failed) AS is_last
      FROM (
        WITH told (id) AS (
          SELECT p.id FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
          WHERE p.session = x.id AND t.root_span_id = ''
            AND EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.trace_session = p.id AND i.counted = 1 AND i.has_failed = 1)
        )
        SELECT i.trace_session, i.end_time_unix_nano AS time_unix_nano, i.has_failed, 0 AS is_prompt
        FROM told CROSS JOIN _llm_interactions AS i ON i.trace_session = told.id
        WHERE i.is_aggregate = 0 AND i.counted = 1
        UNION ALL
        SELECT e.trace_session, e.time_unix_nano, 0, 1
        FROM told CROSS JOIN _events AS e ON e.trace_session = told.id
        WHERE e.name GLOB '*user_prompt'
      ) AS told_step
    ) AS last_steps
    WHERE last_steps.has_failed = 1 AND last_steps.is_last = 1
  ) AS failed_requests
FROM _sessions AS x;
