-- Sessions, traces, and the sessions that the spans of a trace show.

CREATE TABLE _sessions (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  start_time_unix_nano INTEGER,           -- NULL while no record shows this session: a stronger source took them
  end_time_unix_nano INTEGER
) STRICT;
-- The newest sessions.
CREATE INDEX _sessions_end_time ON _sessions (end_time_unix_nano);

-- Log records that name no trace belong to the row whose trace_id is empty.
CREATE TABLE _traces (
  id INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL UNIQUE,
  session INTEGER REFERENCES _sessions,   -- the strongest session that a span of the trace names
  session_source TEXT,                    -- the attribute that names it
  session_rank INTEGER,                   -- its position in the list of sources. The session with the smallest (rank,
  session_is_child INTEGER,               -- is_child, time, name) is the strongest. is_child is 0 if the span has no parent
  session_time_unix_nano INTEGER,         -- start of that span
  entry_session_rank INTEGER,             -- the smallest rank by which a span without a local parent names a session
  user_id TEXT,                           -- the strongest user that a span names, by the same rule
  user_source TEXT,
  user_rank INTEGER,
  user_is_child INTEGER,
  user_time_unix_nano INTEGER,
  root_rank INTEGER NOT NULL,             -- of the span in root_span_id: 0 no parent, 1 remote parent, 2 the earliest so far
  root_time_unix_nano INTEGER NOT NULL,
  root_span_id TEXT NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL
) STRICT;
-- The traces whose strongest session is this one.
CREATE INDEX _traces_session ON _traces (session);
-- The newest traces.
CREATE INDEX _traces_start_time ON _traces (start_time_unix_nano);

-- One row for each session that spans of one trace name, and one for its spans that name none. Spans, events and log
-- records refer to it, so a session that is found late is written to one row, however many spans show it.
CREATE TABLE _trace_sessions (
  id INTEGER PRIMARY KEY,
  trace INTEGER NOT NULL REFERENCES _traces,
  own_session INTEGER REFERENCES _sessions, -- named by these spans; NULL: they name none, and show that of their trace
  session INTEGER REFERENCES _sessions,   -- shown by these spans: their own, unless source_rank is greater than the
                                          -- entry_session_rank of their trace; else that of their trace
  source TEXT,                            -- the attribute that names own_session; of several, the strongest
  source_rank INTEGER,
  spans INTEGER NOT NULL,                 -- number of spans that refer to this row
  errors INTEGER NOT NULL,                -- of these spans, those with status ERROR
  failed_entries INTEGER NOT NULL DEFAULT 0, -- of these spans, those with status ERROR and no local parent
  interrupted INTEGER NOT NULL DEFAULT 0, -- of these spans, those whose process ended first
  logs INTEGER NOT NULL DEFAULT 0,        -- log records that refer to this row
  start_time_unix_nano INTEGER NOT NULL,  -- of the first of these records
  end_time_unix_nano INTEGER NOT NULL,
  candidate_time_unix_nano INTEGER        -- of the last record that may be paired by time; NULL: there is none
) STRICT;
-- The row of a trace and session; all rows of a trace.
CREATE UNIQUE INDEX _trace_sessions_key ON _trace_sessions (trace, coalesce(own_session, 0));
-- The rows that show a session, and their latest end.
CREATE INDEX _trace_sessions_session ON _trace_sessions (session, end_time_unix_nano);
-- Records of a session that a new record may be paired with.
CREATE INDEX _trace_sessions_candidates ON _trace_sessions (session, candidate_time_unix_nano)
  WHERE candidate_time_unix_nano IS NOT NULL;
