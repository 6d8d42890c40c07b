-- How much the file holds of what a migration adds to, as one row.
SELECT
  (SELECT coalesce(max(id), 0) FROM _logs) AS last_log,
  (SELECT count(*) FROM _events WHERE log IS NOT NULL AND link_method = 'span') AS linked_span,
  (SELECT count(*) FROM _events WHERE log IS NOT NULL AND link_method = 'temporal') AS linked_temporal,
  (SELECT count(*) FROM _events WHERE log IS NOT NULL AND phase IS NOT NULL AND related_event IS NULL) AS unlinked,
  (SELECT count(*) FROM _llm_interactions) AS llm_interactions,
  (SELECT count(*) FROM _tool_interactions) AS tool_interactions,
  (SELECT count(*) FROM _sessions) AS sessions;
