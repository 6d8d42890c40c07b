DROP TABLE IF EXISTS _search_documents;
DROP TABLE IF EXISTS _search_llm;
DROP TABLE IF EXISTS _search_tool;
