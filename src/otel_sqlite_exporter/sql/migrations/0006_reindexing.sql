-- quick
-- How far a reindexing has come that was stopped half-way.
CREATE TABLE _reindexing (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL UNIQUE,              -- spans or logs
  position INTEGER NOT NULL               -- the last id that is done
) STRICT;
