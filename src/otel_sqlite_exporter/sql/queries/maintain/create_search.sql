-- The index of the content of calls and tool executions. It holds no text, only which documents contain three
-- characters in a row. A search checks each row that the index finds, so replaced rows do no harm.
CREATE TABLE IF NOT EXISTS _search_documents (
  id INTEGER PRIMARY KEY,
  is_tool INTEGER NOT NULL,
  interaction INTEGER,                    -- NULL: that row is gone
  end_time_unix_nano INTEGER NOT NULL     -- the row's; a later row with its id has another
) STRICT;
CREATE INDEX IF NOT EXISTS _search_documents_interaction ON _search_documents (is_tool, interaction);
CREATE VIRTUAL TABLE IF NOT EXISTS _search_llm USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');
CREATE VIRTUAL TABLE IF NOT EXISTS _search_tool USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');
