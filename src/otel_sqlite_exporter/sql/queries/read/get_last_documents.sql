-- The last call and the last tool execution that are in the index and still what they were when they were added: a row
-- that is written anew may get the id of the last one, if that is gone.
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
