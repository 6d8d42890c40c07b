-- Spans, their links, and the texts that they share.

-- The start and the finish record of a span are no rows: the view events makes them of the span. So a link between them
-- cannot break. One sequence numbers spans, finish records and _events: in the order of their ids, records are in the
-- order in which they were written.
CREATE TABLE _spans (
  id INTEGER PRIMARY KEY,                 -- also that of its start record
  finish_record INTEGER,                  -- the id of its finish record; NULL: it runs
  trace INTEGER NOT NULL REFERENCES _traces,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  resource INTEGER NOT NULL REFERENCES _resources,
  scope INTEGER REFERENCES _scopes,
  span_id TEXT NOT NULL,
  parent_span_id TEXT,
  parent_is_remote INTEGER,
  trace_flags INTEGER NOT NULL,
  trace_state TEXT,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,                  -- opentelemetry.trace.SpanKind: 0 INTERNAL to 4 CONSUMER
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,    -- of an open span: its start
  start_time_source TEXT,                 -- NULL: the span's own; else attribute, event, span or arrival
  end_time_source TEXT,                   -- likewise; open: it runs; estimated: its process ended first
  status_code INTEGER NOT NULL,           -- 0 UNSET, 1 OK, 2 ERROR
  status_description TEXT,
  dropped_attributes INTEGER NOT NULL,
  dropped_events INTEGER NOT NULL,
  dropped_links INTEGER NOT NULL,
  start_attribute_types TEXT,             -- of its start record, as the next
  start_attributes TEXT,                  -- of its start record, where the span ended without some; NULL: those below
  attribute_types TEXT,
  texts TEXT,                             -- NULL: attributes are whole; else the places of texts of _texts in them, JSON:
                                          -- [[first character, characters, [texts that follow]], ...]
  attributes TEXT NOT NULL                -- if texts is not NULL, read them through the view _whole_attributes
) STRICT;
-- A span by its ids; all spans of a trace. The spans of both sides of one call may share an id, as Zipkin's do: the span
-- that receives (SERVER, CONSUMER) is another one than the span that sends.
CREATE UNIQUE INDEX _spans_key ON _spans (trace, span_id, kind IN (1, 4));
-- The children of a span.
CREATE INDEX _spans_parent ON _spans (trace, parent_span_id) WHERE parent_span_id IS NOT NULL;
-- All spans of a session.
CREATE INDEX _spans_trace_session ON _spans (trace_session);
-- The newest spans, and those of a range of time.
CREATE INDEX _spans_start_time ON _spans (start_time_unix_nano);
-- The finish records, in the order of their ids, and their times.
CREATE INDEX _spans_finish_record ON _spans (finish_record, end_time_unix_nano) WHERE finish_record IS NOT NULL;
-- The newest spans that failed.
CREATE INDEX _spans_error ON _spans (start_time_unix_nano) WHERE status_code = 2;

-- Text that the attributes of several spans share: the history that each call of a conversation repeats.
CREATE TABLE _texts (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL                      -- a part of encoded attributes
) STRICT;

-- Spans that were written before they ended. The finished version replaces the row in _spans.
CREATE TABLE _open_spans (
  span INTEGER PRIMARY KEY REFERENCES _spans,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  run INTEGER NOT NULL REFERENCES _exporter_runs -- who writes its end
) STRICT;
-- The open spans of a process that is gone. Without it SQLite goes through all spans and calls to end a few.
CREATE INDEX _open_spans_run ON _open_spans (run);
-- Whether a trace or session runs.
CREATE INDEX _open_spans_trace_session ON _open_spans (trace_session);

CREATE TABLE _links (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL REFERENCES _spans,
  ordinal INTEGER NOT NULL,               -- position among the span's links, from 0
  linked_trace_id TEXT NOT NULL,
  linked_span_id TEXT NOT NULL,
  is_remote INTEGER NOT NULL,
  trace_flags INTEGER NOT NULL,
  trace_state TEXT,
  dropped_attributes INTEGER NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;
-- The links of a span.
CREATE INDEX _links_span ON _links (span);
-- Who links to a span.
CREATE INDEX _links_linked ON _links (linked_trace_id, linked_span_id);
