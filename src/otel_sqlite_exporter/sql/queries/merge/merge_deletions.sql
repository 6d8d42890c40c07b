-- Adds a row of the ledger of another file; of two states of one run, the later stays.
INSERT INTO _deletions (
  run_id, command, rule, start_time_unix_nano, end_time_unix_nano, is_complete, sessions, traces, spans, logs, events,
  calls, tools, others, points
)
VALUES (
  :run_id, :command, :rule, :start_time_unix_nano, :end_time_unix_nano, :is_complete, :sessions, :traces, :spans, :logs,
  :events, :calls, :tools, :others, :points
)
ON CONFLICT (run_id) DO UPDATE SET
  end_time_unix_nano = excluded.end_time_unix_nano,
  is_complete = excluded.is_complete,
  sessions = excluded.sessions,
  traces = excluded.traces,
  spans = excluded.spans,
  logs = excluded.logs,
  events = excluded.events,
  calls = excluded.calls,
  tools = excluded.tools,
  others = excluded.others,
  points = excluded.points
WHERE (excluded.end_time_unix_nano, excluded.is_complete) > (end_time_unix_nano, is_complete);
