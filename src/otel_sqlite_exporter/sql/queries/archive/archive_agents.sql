-- What the calls of traces that start in a range of time say of their agents, also calls that no view shows; and those of log
-- records without a trace whose time is in it. One row for each trace, session, agent and way to describe it: [trace id, session,
-- service, agent name (empty: they name none), first start, last end, agent id and version in the attributes of the record as JSON,
-- attributes of the resource as JSON; rows, counted calls, failed calls, counted rows with usage; the upper and the lower 32 bits
-- of input, output and total tokens]. Parameters: since, until (nanoseconds), traces (an array of ids: only these, and no records without a trace; NULL: all).
SELECT
  c.trace_id, c.session_id, c.service_name, c.agent_name, min(c.start_time_unix_nano), max(c.end_time_unix_nano),
  c.agent_id, c.version, (SELECT r.attributes FROM _resources AS r WHERE r.id = c.resource), count(*),
  sum(c.counted AND NOT c.is_aggregate), sum(c.counted AND NOT c.is_aggregate AND c.has_failed),
  sum(c.counted AND c.has_usage),
  sum(c.counted * (ifnull(c.input_tokens, 0) >> 32)), sum(c.counted * (ifnull(c.input_tokens, 0) & 4294967295)),
  sum(c.counted * (ifnull(c.output_tokens, 0) >> 32)), sum(c.counted * (ifnull(c.output_tokens, 0) & 4294967295)),
  sum(c.counted * (ifnull(c.total_tokens, 0) >> 32)), sum(c.counted * (ifnull(c.total_tokens, 0) & 4294967295))
FROM (
  SELECT
    t.trace_id, x.session_id, r.service_name, ifnull(i.agent_name, '') AS agent_name, i.resource,
    iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano) AS start_time_unix_nano,
    iif(i.is_interrupted, i.start_time_unix_nano, i.end_time_unix_nano) AS end_time_unix_nano,
    coalesce(iif(s.attributes GLOB '*"gen_ai.agent.id"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.id"', NULL), l.attributes -> '$."gen_ai.agent.id"') AS agent_id,
    coalesce(iif(s.attributes GLOB '*"gen_ai.agent.version"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.version"', NULL), l.attributes -> '$."gen_ai.agent.version"') AS version,
    i.counted, i.is_aggregate, i.has_failed, i.has_usage, i.input_tokens, i.output_tokens, i.total_tokens
  FROM (
    SELECT i.id
    FROM _traces AS t
    CROSS JOIN _trace_sessions AS p ON p.trace = t.id
    CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
    WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
      AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
    UNION ALL
    SELECT i.id
    FROM _logs AS l
    CROSS JOIN _traces AS t ON t.id = l.trace
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
    WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  ) AS n
  CROSS JOIN _llm_interactions AS i ON i.id = n.id
  CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
  CROSS JOIN _traces AS t ON t.id = p.trace
  CROSS JOIN _resources AS r ON r.id = i.resource
  LEFT JOIN _sessions AS x ON x.id = p.session
  LEFT JOIN _spans AS s ON s.id = i.span
  LEFT JOIN _events AS e ON e.id = i.event
  LEFT JOIN _logs AS l ON l.id = e.log
) AS c
GROUP BY c.service_name, c.agent_name, c.trace_id, c.session_id, c.resource, c.agent_id, c.version;
