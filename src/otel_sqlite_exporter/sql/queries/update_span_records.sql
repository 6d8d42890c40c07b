-- Brings the start and finish records of replaced spans to the times of the new version. :ids as above.
UPDATE _events
SET
  trace_session = s.trace_session,
  time_unix_nano = iif(_events.phase = 'start', s.start_time_unix_nano, s.end_time_unix_nano),
  time_source = iif(_events.phase = 'start', s.start_time_source, s.end_time_source)
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _events.span = w.value AND _events.source = 0;
