-- The number of rows of each view that grows with the file, one column per view. Files before version 15 have no metrics: the
-- names are then those of `older`, as the innermost table that has them counts.
SELECT
  r.spans, r.events, r.links, r.logs, r.traces, r.sessions, r.complete_llm_interactions, r.complete_tool_interactions,
  (SELECT metrics FROM row_counts AS m) AS metrics,
  (SELECT metric_points FROM row_counts AS m) AS metric_points,
  (SELECT exemplars FROM row_counts AS m) AS exemplars,
  (SELECT count(*) FROM session_conflicts) AS session_conflicts
FROM (SELECT 0 AS metrics, 0 AS metric_points, 0 AS exemplars) AS older CROSS JOIN row_counts AS r;
