-- Gives the start and finish records of spans that another version replaced, or that were interrupted, the times of
-- their span, and those that were open a finish. :ids is an array of ids of _spans. A plus keeps SQLite from going
-- through all records of the file that are not linked.
UPDATE _events
SET
  trace_session = s.trace_session,
  time_unix_nano = iif(_events.phase = 'start', s.start_time_unix_nano, s.end_time_unix_nano),
  time_source = iif(_events.phase = 'start', s.start_time_source, s.end_time_source)
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _events.span = w.value AND _events.source = 0;
INSERT INTO _events (trace_session, span, source, phase, time_unix_nano, time_source, related_event, link_method)
SELECT s.trace_session, s.id, 0, 'finish', s.end_time_unix_nano, s.end_time_source, e.id, 'span'
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value
JOIN _events AS e ON e.span = s.id AND e.source = 0 AND e.phase = 'start' AND +e.related_event IS NULL;
UPDATE _events
SET related_event = f.id, link_method = 'span'
FROM json_each(:ids) AS w
JOIN _events AS f ON f.span = w.value AND f.source = 0 AND f.phase = 'finish'
WHERE _events.id = f.related_event AND +_events.related_event IS NULL;
DELETE FROM _open_spans WHERE span IN (SELECT value FROM json_each(:ids));
