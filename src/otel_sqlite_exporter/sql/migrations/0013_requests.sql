-- quick
-- What the receiver of OTLP notes: the requests that it took, and who sent them.

-- One row for each request of the last hour, and for longer while batches wait in the spool: so one that is repeated is
-- known. The id grows with the time.
CREATE TABLE _requests (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of its signal and body
  time_unix_nano INTEGER NOT NULL         -- when it was written
) STRICT;

-- Counters of what was received; those of more than a thousand sources are in one row for each signal. The view
-- receiver_sources shows it. No row is ever removed, so the greatest id is the number of rows.
CREATE TABLE _receiver_sources (
  id INTEGER PRIMARY KEY,
  sender TEXT NOT NULL,
  service_name TEXT NOT NULL,
  signal TEXT NOT NULL,                   -- traces, logs or metrics
  received INTEGER NOT NULL,              -- records: stored + duplicate + rejected
  stored INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  rejected TEXT NOT NULL,                 -- JSON object: records by reason
  retried INTEGER NOT NULL,               -- requests that came again
  sent_bytes INTEGER NOT NULL,
  last_seen_unix_nano INTEGER NOT NULL,
  UNIQUE (sender, service_name, signal)
) STRICT;
