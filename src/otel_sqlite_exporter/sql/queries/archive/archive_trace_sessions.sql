-- The rows of the table trace_sessions of a dataset: one for each row of _trace_sessions, with what the view sessions
-- is made of. The parameters are those of archive_spans. Log records without a trace have one row for each day. A trace
-- that failed has one failed request in one row of each session that it shows: so the requests of a session are their
-- sum. Requests of log records without spans go from a prompt to the next, also over midnight.
WITH
  places AS MATERIALIZED (
    SELECT p.id
    FROM _traces AS t
    CROSS JOIN _trace_sessions AS p ON p.trace = t.id
    WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
      AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  ),
  alone AS MATERIALIZED (
    SELECT l.id, l.trace_session, l.time_unix_nano, l.event_name, r.service_name
    FROM _logs AS l
    CROSS JOIN _traces AS t ON t.id = l.trace
    LEFT JOIN _resources AS r ON r.id = l.resource
    WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  ),
  alone_events AS MATERIALIZED (
    SELECT a.trace_session, e.id FROM alone AS a CROSS JOIN _events AS e ON e.log = a.id
  ),
  logged AS MATERIALIZED (
    SELECT
      a.trace_session,
      count(*) AS logs,
      count(*) FILTER (WHERE a.event_name = 'gen_ai.evaluation.result') AS score_logs,
      coalesce(min(a.time_unix_nano) FILTER (WHERE a.event_name IS NOT 'gen_ai.evaluation.result'), min(a.time_unix_nano)) AS start_time_unix_nano,
      coalesce(max(a.time_unix_nano) FILTER (WHERE a.event_name IS NOT 'gen_ai.evaluation.result'), max(a.time_unix_nano)) AS end_time_unix_nano
    FROM alone AS a
    GROUP BY a.trace_session
  ),
  first_logs AS MATERIALIZED (
    SELECT w.trace_session, w.service_name, min(w.time_unix_nano) AS time_unix_nano
    FROM (
      SELECT a.trace_session, a.time_unix_nano, min(a.service_name) AS service_name FROM alone AS a GROUP BY 1, 2
      UNION ALL
      SELECT p.id, l.time_unix_nano, min(r.service_name)
      FROM places AS p CROSS JOIN _logs AS l ON l.trace_session = p.id CROSS JOIN _resources AS r ON r.id = l.resource
      GROUP BY 1, 2
    ) AS w
    GROUP BY w.trace_session
  ),
  calls AS MATERIALIZED (
    SELECT p.id AS trace_session, i.id FROM places AS p CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
    UNION ALL
    SELECT e.trace_session, i.id FROM alone_events AS e CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  first_calls AS MATERIALIZED (
    -- The row with min() is that of the earliest time: of several calls, the one with the first user.
    SELECT w.trace_session, w.user_id, min(w.time_unix_nano) AS time_unix_nano
    FROM (
      SELECT c.trace_session, i.start_time_unix_nano AS time_unix_nano, min(i.user_id) AS user_id
      FROM calls AS c CROSS JOIN _llm_interactions AS i ON i.id = c.id
      WHERE iif(i.user_id IS NOT NULL, c.trace_session, 0) > 0
      GROUP BY 1, 2
    ) AS w
    GROUP BY w.trace_session
  ),
  used AS MATERIALIZED (
    SELECT
      c.trace_session,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_aggregate = 0) AS llm_calls,
      iif(sum(i.input_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.input_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.input_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.input_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS input_tokens,
      iif(sum(i.output_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.output_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.output_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.output_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS output_tokens,
      iif(sum(i.total_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.total_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.total_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.total_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS total_tokens,
      sum(i.cost_usd) FILTER (WHERE i.counted = 1) AS cost_usd,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_unpriced = 1) AS unpriced_calls,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_aggregate = 0 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_calls,
      max(i.counted = 1 AND i.is_aggregate = 0 AND i.has_failed = 1) AS may_fail
    FROM calls AS c CROSS JOIN _llm_interactions AS i ON i.id = c.id
    GROUP BY c.trace_session
  ),
  tools AS MATERIALIZED (
    SELECT p.id AS trace_session, i.id FROM places AS p CROSS JOIN _tool_interactions AS i ON i.trace_session = p.id
    UNION ALL
    SELECT e.trace_session, i.id FROM alone_events AS e CROSS JOIN _tool_interactions AS i ON i.event = e.id
    UNION ALL
    SELECT e.trace_session, i.id FROM alone_events AS e CROSS JOIN _tool_interactions AS i ON i.start_event = e.id WHERE iif(i.is_request = 1 AND i.event IS NULL, e.id, 0) > 0
  ),
  told AS MATERIALIZED (
    -- What no row of tool_interactions shows: call ids of other tellings and of results, and the digests of what is asked
    -- for without one (?) and of results (!).
    SELECT c.trace_session, '=' || i.tool_call_id AS told
    FROM tools AS c CROSS JOIN _tool_interactions AS i ON i.id = c.id
    WHERE iif(i.is_hidden = 1 AND i.tool_call_id IS NOT NULL, c.trace_session, 0) > 0
    UNION
    SELECT c.trace_session, '?' || (i.asked_key & 1099511627775)
    FROM tools AS c CROSS JOIN _tool_interactions AS i ON i.id = c.id
    WHERE iif(i.asked_key IS NOT NULL, c.trace_session, 0) > 0
    UNION
    SELECT p.id, iif(k.value, '=' || r.tool_call_id, '!' || (r.asked_key & 1099511627775)) AS told
    FROM places AS p
    CROSS JOIN _spans AS s ON s.trace_session = p.id
    CROSS JOIN _tool_results AS r ON r.span = s.id
    CROSS JOIN json_each('[0, 1]') AS k
    WHERE told IS NOT NULL
  ),
  tool_calls AS MATERIALIZED (
    SELECT w.trace_session, json_group_array(w.told) AS told
    FROM (SELECT o.trace_session, o.told FROM told AS o ORDER BY o.trace_session, o.told LIMIT -1) AS w
    GROUP BY w.trace_session
  ),
  ran AS MATERIALIZED (
    SELECT c.trace_session, count(*) FILTER (WHERE i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_tools
    FROM tools AS c CROSS JOIN _tool_interactions AS i ON i.id = c.id
    GROUP BY c.trace_session
  ),
  opened AS MATERIALIZED (
    SELECT p.id AS trace_session, count(*) FILTER (WHERE h.is_gone = 1) AS interrupted, max(h.until_unix_nano) AS until_unix_nano
    FROM places AS p
    CROSS JOIN _open_spans AS o ON o.trace_session = p.id
    CROSS JOIN _open_runs AS h ON h.id = o.run
    GROUP BY p.id
  ),
  steps AS MATERIALIZED (
    -- Of sessions of log records without spans that have failed calls: their calls and prompts, on all days.
    SELECT i.trace_session, i.end_time_unix_nano AS time_unix_nano, i.has_failed, 0 AS is_prompt, i.event
    FROM used AS u
    CROSS JOIN _trace_sessions AS p ON p.id = iif(u.may_fail, u.trace_session, NULL)
    CROSS JOIN _traces AS t ON t.id = p.trace
    CROSS JOIN _llm_interactions AS i ON i.trace_session = iif(t.root_span_id = '', p.id, NULL)
    WHERE iif(i.counted = 1 AND i.is_aggregate = 0, p.id, 0) > 0
    UNION ALL
    SELECT e.trace_session, e.time_unix_nano, 0, 1, e.id
    FROM used AS u
    CROSS JOIN _trace_sessions AS p ON p.id = iif(u.may_fail, u.trace_session, NULL)
    CROSS JOIN _traces AS t ON t.id = p.trace
    CROSS JOIN _events AS e ON e.trace_session = iif(t.root_span_id = '', p.id, NULL)
    WHERE iif(e.name GLOB '*user_prompt', p.id, 0) > 0
  ),
  requests AS MATERIALIZED (
    SELECT w.trace_session, count(*) AS failed_requests
    FROM (
      SELECT s.*, lead(s.is_prompt, 1, 1) OVER (PARTITION BY s.trace_session ORDER BY s.time_unix_nano, s.is_prompt DESC, s.has_failed) AS is_last
      FROM steps AS s
    ) AS w
    CROSS JOIN _events AS e ON e.id = w.event
    CROSS JOIN _logs AS l ON l.id = e.log
    CROSS JOIN _traces AS t ON t.id = l.trace
    WHERE w.has_failed = 1 AND w.is_last = 1
      AND (t.trace_id <> '' OR (l.time_unix_nano >= :since AND l.time_unix_nano < :until))
    GROUP BY w.trace_session
  )
SELECT
  t.trace_id,
  x.session_id,
  y.session_id AS own_session_id,
  p.source,
  p.source_rank,
  p.spans,
  p.errors,
  p.failed_entries,
  p.interrupted + ifnull(o.interrupted, 0) AS interrupted,
  iif(k.is_alone, l.logs, p.logs) AS logs,
  iif(k.is_alone, l.score_logs, p.score_logs) AS score_logs,
  iif(k.is_alone, l.start_time_unix_nano, p.start_time_unix_nano) AS start_time_unix_nano,
  iif(k.is_alone, l.end_time_unix_nano, max(p.end_time_unix_nano, ifnull(o.until_unix_nano, 0))) AS end_time_unix_nano,
  iif(k.is_alone, l.start_time_unix_nano, t.start_time_unix_nano) AS trace_start_time_unix_nano,
  ifnull(u.llm_calls, 0) AS llm_calls,
  u.input_tokens,
  u.output_tokens,
  u.total_tokens,
  u.cost_usd,
  ifnull(u.unpriced_calls, 0) AS unpriced_calls,
  ifnull(u.failed_calls, 0) AS failed_calls,
  ifnull(g.failed_tools, 0) AS failed_tools,
  CASE
    WHEN t.root_span_id = '' THEN ifnull(f.failed_requests, 0)
    WHEN p.spans + p.logs = 0 OR EXISTS (SELECT 1 FROM _trace_sessions AS q WHERE q.trace = t.id AND q.session IS p.session AND q.id < p.id AND q.spans + q.logs > 0) THEN 0
    WHEN t.root_rank = 2 THEN ifnull(s.status_code = 2, 0)
    ELSE EXISTS (SELECT 1 FROM _trace_sessions AS q WHERE q.trace = t.id AND q.failed_entries > 0)
  END AS failed_requests,
  t.user_id AS trace_user_id,
  d.user_id AS first_call_user_id,
  d.time_unix_nano AS first_call_time_unix_nano,
  r.service_name AS root_service_name,
  b.service_name AS first_log_service_name,
  b.time_unix_nano AS first_log_time_unix_nano,
  a.told AS _tool_calls
FROM (
  SELECT p.id, 0 AS is_alone FROM places AS p
  UNION ALL
  SELECT l.trace_session, 1 FROM logged AS l
) AS k
CROSS JOIN _trace_sessions AS p ON p.id = k.id
CROSS JOIN _traces AS t ON t.id = p.trace
LEFT JOIN logged AS l ON l.trace_session = k.id
LEFT JOIN used AS u ON u.trace_session = k.id
LEFT JOIN first_calls AS d ON d.trace_session = k.id
LEFT JOIN ran AS g ON g.trace_session = k.id
LEFT JOIN opened AS o ON o.trace_session = k.id
LEFT JOIN requests AS f ON f.trace_session = k.id
LEFT JOIN first_logs AS b ON b.trace_session = k.id
LEFT JOIN tool_calls AS a ON a.trace_session = k.id
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _sessions AS y ON y.id = p.own_session
LEFT JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
LEFT JOIN _resources AS r ON r.id = s.resource
ORDER BY x.session_id, t.trace_id, y.session_id;
