-- What a migration of an attribute-row file has done so far; it stays in the file. source is a digest of what the old
-- file holds.
CREATE TABLE IF NOT EXISTS _legacy_stages (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  stage TEXT NOT NULL,
  position TEXT NOT NULL,                 -- JSON: up to where the old rows were taken
  is_done INTEGER NOT NULL,
  seconds REAL NOT NULL,
  counts TEXT NOT NULL,                   -- JSON object
  UNIQUE (source, stage)
) STRICT;
