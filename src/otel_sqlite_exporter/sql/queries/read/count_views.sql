-- The number of rows of each view that grows with the file, one column per view.
SELECT
  (SELECT count(*) FROM spans) AS spans,
  (SELECT count(*) FROM events) AS events,
  (SELECT count(*) FROM links) AS links,
  (SELECT count(*) FROM logs) AS logs,
  (SELECT count(*) FROM traces) AS traces,
  (SELECT count(*) FROM sessions) AS sessions,
  (SELECT count(*) FROM complete_llm_interactions) AS complete_llm_interactions,
  (SELECT count(*) FROM complete_tool_interactions) AS complete_tool_interactions,
  (SELECT count(*) FROM session_conflicts) AS session_conflicts;
