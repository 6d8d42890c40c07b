-- How many calls and tool executions the index lacks.
SELECT
  (SELECT count(*) FROM _llm_interactions AS i WHERE i.id > (SELECT ifnull(max(d.interaction), 0) FROM _search_documents AS d WHERE d.is_tool = 0)) AS llm,
  (SELECT count(*) FROM _tool_interactions AS i WHERE i.id > (SELECT ifnull(max(d.interaction), 0) FROM _search_documents AS d WHERE d.is_tool = 1)) AS tool;
