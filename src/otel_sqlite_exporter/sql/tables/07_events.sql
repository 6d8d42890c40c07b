-- Span events, and log records with an event name: rows of the view events, beside the start and finish records of spans.

CREATE TABLE _events (
  id INTEGER PRIMARY KEY,                 -- of one sequence with _spans
  trace_session INTEGER REFERENCES _trace_sessions,
  span INTEGER REFERENCES _spans,         -- NULL: a log record whose span is not in the file
  log INTEGER REFERENCES _logs,           -- of source 2
  source INTEGER NOT NULL,                -- 1 span event, 2 log record
  ordinal INTEGER,                        -- position among the span's events, from 0
  phase TEXT,                             -- start, finish or NULL
  name TEXT NOT NULL,
  time_unix_nano INTEGER NOT NULL,
  time_source TEXT,                       -- as in _spans and _logs
  related_event INTEGER REFERENCES _events DEFERRABLE INITIALLY DEFERRED, -- the other record of the pair. Each is written
                                          -- before the other exists, so the reference is deferred
  link_method TEXT,                       -- how they were paired: span or temporal; repeat: it tells an event again
  stem TEXT,                              -- the name without its phase, of records that may be paired by time
  recorded_name TEXT,                     -- of source 1, as in _logs
  dropped_attributes INTEGER,
  attribute_types TEXT,
  attributes TEXT                         -- NULL: those of the log record
) STRICT;
-- The events of a span.
CREATE INDEX _events_span ON _events (span) WHERE span IS NOT NULL;
-- The record of a log record.
CREATE INDEX _events_log ON _events (log) WHERE log IS NOT NULL;
-- The other record of a pair. SQLite needs it for the reference: without it, each written row scans the table.
CREATE INDEX _events_related_event ON _events (related_event) WHERE related_event IS NOT NULL;
-- All events of a session or trace.
CREATE INDEX _events_trace_session ON _events (trace_session);
-- Records that may be paired by time.
CREATE INDEX _events_stem ON _events (trace_session, stem, time_unix_nano) WHERE stem IS NOT NULL;
-- The view framework_events, the newest first.
CREATE INDEX _events_framework ON _events (time_unix_nano) WHERE name >= 'framework.' AND name < 'framework/';
-- The view security_alerts, the newest first.
CREATE INDEX _events_security ON _events (time_unix_nano) WHERE name >= 'security.' AND name < 'security/';

-- The messages of span events and log records that hold some: one row each. They are normalised when they are written.
CREATE TABLE _messages (
  event INTEGER PRIMARY KEY REFERENCES _events ON DELETE CASCADE,
  prompt INTEGER,                         -- id of _texts: JSON. 0: an attribute of the record is that JSON. NULL: none
  completion INTEGER,
  system_instructions INTEGER
) STRICT;
