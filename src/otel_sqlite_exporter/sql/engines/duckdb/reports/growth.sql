-- The number of records of each day (UTC). estimated_bytes is the size of the parts of that day: a trace stands in the
-- parts of the day on which it started. Plan: one pass over the times of each kind of record.
SELECT
  d.date AS group_1,
  d.spans,
  d.traces,
  d.llm_calls,
  d.tool_executions,
  d.logs,
  coalesce(p.bytes, 0) AS estimated_bytes
FROM days AS d
LEFT JOIN (SELECT n.date, sum(n.bytes) AS bytes FROM _parts AS n GROUP BY n.date) AS p ON p.date = d.date
WHERE d.date >= strftime(make_timestamp(:since // 1000), '%Y-%m-%d') AND d.date <= strftime(make_timestamp(:until // 1000), '%Y-%m-%d')
ORDER BY 1;
