-- Who wrote to the file, and the records that could not become rows.

-- One row for each exporter in each process; the oldest of more than a thousand are added up, with an empty host. The view exporter_health shows it.
CREATE TABLE _exporter_runs (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  signal TEXT NOT NULL DEFAULT 'traces',  -- traces, logs, or import (both)
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  boot_id TEXT,                           -- this and the next two, with host and pid, identify a process that may be gone
  pid_namespace TEXT,
  process_start INTEGER,                  -- clock ticks since boot
  package_version TEXT NOT NULL,
  rules TEXT NOT NULL DEFAULT '',         -- digest of the rules of the package that derived its rows; empty: not known
  rule_settings TEXT NOT NULL DEFAULT '', -- JSON: its settings that change these rules and are not the default
  start_time_unix_nano INTEGER NOT NULL,
  last_write_unix_nano INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  received INTEGER NOT NULL,              -- records: written + duplicate + quarantined
  written INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  quarantined INTEGER NOT NULL,
  repaired INTEGER NOT NULL,              -- values that had to be altered
  opened INTEGER NOT NULL DEFAULT 0,      -- spans that were written before they ended
  dropped INTEGER NOT NULL DEFAULT 0,     -- lost records: a queue or the spool was full, or could not be written
  spooled INTEGER NOT NULL,               -- records that went to the spool
  replayed INTEGER NOT NULL DEFAULT 0,    -- records that came back from it
  retries INTEGER NOT NULL DEFAULT 0,     -- batches that were written record by record
  lag_ms REAL                             -- how long the oldest record of the last batch had waited
) STRICT;

-- Records that could not become rows.
CREATE TABLE _quarantine (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of content: a record that comes again is kept once
  arrival_time_unix_nano INTEGER NOT NULL,
  reason TEXT NOT NULL,
  content TEXT NOT NULL                   -- the readable part of the record
) STRICT;
