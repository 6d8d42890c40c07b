-- The number of rows of each view that grows with the file, one column per view.
SELECT
  spans, events, links, logs, traces, sessions, complete_llm_interactions, complete_tool_interactions,
  metrics, metric_points, exemplars,
  (SELECT count(*) FROM session_conflicts) AS session_conflicts
FROM row_counts;
