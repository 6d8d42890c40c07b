-- quick
-- Which days of this file are in which dataset.

-- One row for each day that `archive` has written to a dataset, and one more for a day that is being written.
CREATE TABLE _archives (
  id INTEGER PRIMARY KEY,
  dataset TEXT NOT NULL,                  -- the name that the dataset has in itself
  source TEXT NOT NULL,                   -- the name of this file in it: that of _state under 'file', unless a copy of the file has
                                          -- used that for other records
  day INTEGER NOT NULL,                   -- days since 1970-01-01 (UTC)
  generation INTEGER NOT NULL,            -- of its last manifest
  run_id TEXT NOT NULL,                   -- of the run that wrote it: its manifest tells it, too
  is_complete INTEGER NOT NULL,           -- 0: it is being written, or was stopped
  last_record INTEGER NOT NULL,           -- this and the next two: up to where it holds what the file has. The last id of spans,
                                          -- their finish records and events
  last_log INTEGER NOT NULL,              -- the last id of _logs
  last_rewrite INTEGER NOT NULL,          -- the last id of _rewritten_traces
  late_records INTEGER NOT NULL DEFAULT 0, -- data points and marks of the day that came since it was read
  spans INTEGER NOT NULL,                 -- this and the next two: how many the file had of what was written
  logs INTEGER NOT NULL,
  points INTEGER NOT NULL,
  time_unix_nano INTEGER NOT NULL         -- when it was read
) STRICT;
CREATE UNIQUE INDEX _archives_key ON _archives (dataset, day, generation);

-- Traces of archived days whose rows changed though no record of theirs is new: a span was replaced, or commands derived or priced
-- their calls again.
CREATE TABLE _rewritten_traces (
  id INTEGER PRIMARY KEY,                 -- of its last change: greater than those of the changes before
  trace INTEGER NOT NULL UNIQUE           -- an id of _traces
) STRICT;
