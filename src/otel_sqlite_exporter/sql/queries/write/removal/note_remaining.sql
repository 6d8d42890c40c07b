-- Notes the times of traces, their roots, and the times and sources of sessions in them. :traces is [[trace, first time, last
-- time, rank of the root, its start, its span id], ...]; :parts is [[row of _trace_sessions, first time, last time, source or
-- null, its rank or null], ...].
UPDATE _traces
SET
  start_time_unix_nano = w.value ->> 1, end_time_unix_nano = w.value ->> 2, root_rank = w.value ->> 3,
  root_time_unix_nano = w.value ->> 4, root_span_id = w.value ->> 5
FROM json_each(:traces) AS w
WHERE _traces.id = w.value ->> 0;
UPDATE _trace_sessions
SET start_time_unix_nano = w.value ->> 1, end_time_unix_nano = w.value ->> 2, source = w.value ->> 3, source_rank = w.value ->> 4
FROM json_each(:parts) AS w
WHERE _trace_sessions.id = w.value ->> 0;
