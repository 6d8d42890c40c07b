-- The conversations of the spans of a day, for the statements that read it; fill_day_conversations fills it. One reader
-- leaves the rows of another alone.
CREATE TEMP TABLE IF NOT EXISTS _day_conversations (
  reader INTEGER NOT NULL,
  span INTEGER NOT NULL,                  -- an id of _spans
  conversation_id TEXT NOT NULL,
  PRIMARY KEY (reader, span)
) STRICT, WITHOUT ROWID;
