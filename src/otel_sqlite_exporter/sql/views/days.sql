CREATE VIEW days AS
-- One row for each day (UTC) on which something started: the numbers of spans, traces, calls of models, tool
-- executions and log records. Agents and workflows are not calls.
SELECT
  date(d.day * 86400, 'unixepoch') AS date,
  sum(d.spans) AS spans,
  sum(d.traces) AS traces,
  sum(d.llm_calls) AS llm_calls,
  sum(d.tool_executions) AS tool_executions,
  sum(d.logs) AS logs,
  sum(d.failed_calls) AS failed_calls,
  sum(d.failed_tools) AS failed_tools
FROM (
  SELECT s.start_time_unix_nano / 86400000000000 AS day, count(*) AS spans, 0 AS traces, 0 AS llm_calls, 0 AS tool_executions, 0 AS logs, 0 AS failed_calls, 0 AS failed_tools
  FROM _spans AS s
  GROUP BY 1
  UNION ALL
  SELECT t.start_time_unix_nano / 86400000000000, 0, count(*), 0, 0, 0, 0, 0
  FROM _traces AS t
  WHERE t.trace_id <> ''
  GROUP BY 1
  UNION ALL
  SELECT i.start_time_unix_nano / 86400000000000, 0, 0, count(*), 0, 0, count(*) FILTER (WHERE i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))), 0
  FROM _llm_interactions AS i
  WHERE i.is_hidden = 0 AND i.is_aggregate = 0
  GROUP BY 1
  UNION ALL
  SELECT i.start_time_unix_nano / 86400000000000, 0, 0, 0, count(*), 0, 0, count(*) FILTER (WHERE i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span)))
  FROM _tool_interactions AS i
  WHERE i.counted = 1
  GROUP BY 1
  UNION ALL
  SELECT l.time_unix_nano / 86400000000000, 0, 0, 0, 0, count(*), 0, 0
  FROM _logs AS l
  GROUP BY 1
) AS d
GROUP BY d.day;
