CREATE OR REPLACE VIEW days AS
-- One row for each day (UTC) on which something started: the numbers of spans, traces, calls of models, tool
-- executions and log records. Agents and workflows are not calls.
SELECT
  strftime(make_timestamp(d.day * 86400000000), '%Y-%m-%d') AS date,
  CAST(sum(d.spans) AS BIGINT) AS spans,
  CAST(sum(d.traces) AS BIGINT) AS traces,
  CAST(sum(d.llm_calls) AS BIGINT) AS llm_calls,
  CAST(sum(d.tool_executions) AS BIGINT) AS tool_executions,
  CAST(sum(d.logs) AS BIGINT) AS logs,
  CAST(sum(d.failed_calls) AS BIGINT) AS failed_calls,
  CAST(sum(d.failed_tools) AS BIGINT) AS failed_tools
FROM (
  SELECT
    s.start_time_unix_nano // 86400000000000 AS day,
    count(*) AS spans,
    0 AS traces,
    0 AS llm_calls,
    0 AS tool_executions,
    0 AS logs,
    0 AS failed_calls,
    0 AS failed_tools
  FROM _spans AS s
  GROUP BY s.start_time_unix_nano // 86400000000000
  UNION ALL
  SELECT t.start_time_unix_nano // 86400000000000, 0, count(*), 0, 0, 0, 0, 0
  FROM _traces AS t
  GROUP BY t.start_time_unix_nano // 86400000000000
  UNION ALL
  SELECT i.start_time_unix_nano // 86400000000000, 0, 0, count(*), 0, 0,
    count(CASE WHEN i.counted = 1 AND i._has_failed = 1 THEN 1 END), 0
  FROM _llm_interactions AS i
  WHERE i.is_aggregate = 0
  GROUP BY i.start_time_unix_nano // 86400000000000
  UNION ALL
  SELECT i.start_time_unix_nano // 86400000000000, 0, 0, 0, count(*), 0, 0, count(CASE WHEN i._has_failed = 1 THEN 1 END)
  FROM _tool_interactions AS i
  WHERE i.counted = 1
  GROUP BY i.start_time_unix_nano // 86400000000000
  UNION ALL
  SELECT l.start_time_unix_nano // 86400000000000, 0, 0, 0, 0, count(*), 0, 0
  FROM _logs AS l
  GROUP BY l.start_time_unix_nano // 86400000000000
) AS d
GROUP BY d.day;
