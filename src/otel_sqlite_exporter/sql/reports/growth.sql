-- The number of records of each day (UTC). estimated_bytes divides the size of the file among the days by their spans
-- and log records.
-- Plan: for each kind of row one pass over the index of its times. No attributes are read.
SELECT
  date AS group_1,
  spans,
  traces,
  llm_calls,
  tool_executions,
  logs,
  CAST(
    (SELECT c.page_count * s.page_size FROM pragma_page_count AS c, pragma_page_size AS s)
    * 1.0 * (spans + logs) / (SELECT sum(d.spans + d.logs) FROM days AS d)
    AS INTEGER
  ) AS estimated_bytes
FROM days
WHERE date >= date(:since / 1000000000, 'unixepoch') AND date <= date(:until / 1000000000, 'unixepoch')
ORDER BY 1;
