-- How much the file derives from its records. A sum of tokens is made of two, so that it cannot be too large.
SELECT
  (SELECT count(*) FROM _spans) AS spans,
  (SELECT count(*) FROM _logs) AS logs,
  (SELECT count(*) FROM _sessions WHERE end_time_unix_nano IS NOT NULL) AS sessions,
  (SELECT coalesce(sum(p.spans + p.logs), 0) FROM _trace_sessions AS p WHERE p.session IS NOT NULL) AS records_with_session,
  (SELECT count(*) FROM _events WHERE related_event IS NOT NULL) AS linked_events,
  (SELECT count(*) FROM _llm_interactions WHERE is_hidden = 0 AND is_aggregate = 0) AS llm_calls,
  (SELECT count(*) FROM _llm_interactions WHERE counted = 1 AND is_aggregate = 0) AS counted_llm_calls,
  (SELECT count(*) FROM _llm_interactions WHERE is_hidden = 0 AND cost_status IS NOT NULL) AS calls_with_cost_status,
  (SELECT count(*) FROM _llm_interactions WHERE is_aggregate = 1) AS agent_spans,
  (SELECT coalesce(iif(sum(total_tokens >> 32) + (sum(total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(total_tokens >> 32) << 32) + sum(total_tokens & 4294967295)), 0) FROM _llm_interactions WHERE counted = 1) AS counted_tokens,
  (SELECT count(*) FROM _tool_interactions WHERE is_hidden = 0) AS tool_calls,
  (SELECT count(*) FROM _tool_interactions WHERE counted = 1) AS counted_tool_calls;
