-- Log records. They have no identity: a record that is exported twice is two rows.

CREATE TABLE _logs (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL REFERENCES _traces,
  span_id TEXT,                           -- text, because the span mostly comes after its records, or never
  resource INTEGER NOT NULL REFERENCES _resources,
  scope INTEGER REFERENCES _scopes,
  event_name TEXT,
  recorded_name TEXT,                     -- NULL: event_name is the record's own; else that ('': it has none)
  time_unix_nano INTEGER NOT NULL,
  observed_time_unix_nano INTEGER NOT NULL,
  time_source TEXT,                       -- NULL: the record's own; else observed or arrival
  severity_number INTEGER,                -- 1 (TRACE) to 24 (FATAL4)
  severity_text TEXT,
  trace_flags INTEGER,
  dropped_attributes INTEGER NOT NULL,
  names_session INTEGER NOT NULL,         -- 0: it names no session, and shows the session of its span
  body_type TEXT,                         -- like attribute_types, for the body
  body TEXT,                              -- JSON; NULL: the record has none
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;
-- The log records of a span, which may come later; all of a trace.
CREATE INDEX _logs_span ON _logs (trace, span_id);
-- The newest log records, and those of a range of time.
CREATE INDEX _logs_time ON _logs (time_unix_nano);
-- The log records of a session.
CREATE INDEX _logs_trace_session ON _logs (trace_session);
