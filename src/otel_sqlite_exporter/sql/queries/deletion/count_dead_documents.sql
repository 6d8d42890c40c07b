-- How many documents of the search index match :match and are of a call or a tool execution that is gone or was
-- replaced.
SELECT
  (
    SELECT count(*)
    FROM _search_llm
    CROSS JOIN _search_documents AS d ON d.id = _search_llm.rowid
    LEFT JOIN _llm_interactions AS i ON i.id = d.interaction AND i.end_time_unix_nano = d.end_time_unix_nano
    WHERE _search_llm MATCH :match AND i.id IS NULL
  ) + (
    SELECT count(*)
    FROM _search_tool
    CROSS JOIN _search_documents AS d ON d.id = _search_tool.rowid
    LEFT JOIN _tool_interactions AS i ON i.id = d.interaction AND i.end_time_unix_nano = d.end_time_unix_nano
    WHERE _search_tool MATCH :match AND i.id IS NULL
  );
