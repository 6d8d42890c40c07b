-- The index of what is said in calls and tool executions. It holds no text, and says only which documents have three
-- characters in a row: what it finds is looked at again, so that rows which were replaced do no harm.
CREATE TABLE IF NOT EXISTS _search_documents (
  id INTEGER PRIMARY KEY,
  is_tool INTEGER NOT NULL,
  interaction INTEGER,                    -- NULL: that row is gone
  end_time_unix_nano INTEGER NOT NULL     -- the row's, by which another row with its id is told
) STRICT;
CREATE INDEX IF NOT EXISTS _search_documents_interaction ON _search_documents (is_tool, interaction);
CREATE VIRTUAL TABLE IF NOT EXISTS _search_llm USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');
CREATE VIRTUAL TABLE IF NOT EXISTS _search_tool USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');
