-- The ids of the last model call and the last tool execution that the search index holds. The end time must be the same
-- as in the index: a rewritten row may get the id of a deleted one.
SELECT
  coalesce((
    SELECT d.interaction FROM _search_documents AS d
    WHERE d.is_tool = 0 AND d.interaction IS NOT NULL AND EXISTS (
      SELECT 1 FROM _llm_interactions AS i WHERE i.id = d.interaction AND i.end_time_unix_nano = d.end_time_unix_nano
    )
    ORDER BY d.interaction DESC LIMIT 1
  ), 0) AS llm,
  coalesce((
    SELECT d.interaction FROM _search_documents AS d
    WHERE d.is_tool = 1 AND d.interaction IS NOT NULL AND EXISTS (
      SELECT 1 FROM _tool_interactions AS i WHERE i.id = d.interaction AND i.end_time_unix_nano = d.end_time_unix_nano
    )
    ORDER BY d.interaction DESC LIMIT 1
  ), 0) AS tool;
