-- Ends the open spans of some runs at the last write of each, and updates the rows that show them. :runs is an array of
-- ids of _exporter_runs.
UPDATE _spans
SET end_time_unix_nano = max(_spans.start_time_unix_nano, h.last_write_unix_nano), end_time_source = 'estimated'
FROM json_each(:runs) AS w
JOIN _exporter_runs AS h ON h.id = w.value
JOIN _open_spans AS o ON o.run = h.id
WHERE _spans.id = o.span;
UPDATE _llm_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _spans AS s ON s.id = o.span
WHERE _llm_interactions.span = o.span AND _llm_interactions.event IS NULL;
UPDATE _tool_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _spans AS s ON s.id = o.span
WHERE _tool_interactions.span = o.span AND _tool_interactions.event IS NULL AND _tool_interactions.is_request = 0;
INSERT INTO _events (trace_session, span, source, phase, time_unix_nano, time_source, related_event, link_method)
SELECT s.trace_session, s.id, 0, 'finish', s.end_time_unix_nano, s.end_time_source, e.id, 'span'
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _spans AS s ON s.id = o.span
JOIN _events AS e ON e.span = s.id AND e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL;
UPDATE _events
SET related_event = f.id, link_method = 'span'
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _events AS f ON f.span = o.span AND f.source = 0 AND f.phase = 'finish'
WHERE _events.id = f.related_event AND _events.related_event IS NULL;
UPDATE _trace_sessions
SET
  interrupted = interrupted + g.spans,
  end_time_unix_nano = max(_trace_sessions.end_time_unix_nano, g.end_time_unix_nano)
FROM (
  SELECT o.trace_session, count(*) AS spans, max(s.end_time_unix_nano) AS end_time_unix_nano
  FROM json_each(:runs) AS w
  JOIN _open_spans AS o ON o.run = w.value
  JOIN _spans AS s ON s.id = o.span
  GROUP BY o.trace_session
) AS g
WHERE _trace_sessions.id = g.trace_session;
UPDATE _traces
SET end_time_unix_nano = max(_traces.end_time_unix_nano, g.end_time_unix_nano)
FROM (
  SELECT p.trace, max(p.end_time_unix_nano) AS end_time_unix_nano
  FROM _trace_sessions AS p
  WHERE p.id IN (SELECT o.trace_session FROM json_each(:runs) AS w JOIN _open_spans AS o ON o.run = w.value)
  GROUP BY p.trace
) AS g
WHERE _traces.id = g.trace;
UPDATE _sessions
SET end_time_unix_nano = max(_sessions.end_time_unix_nano, g.end_time_unix_nano)
FROM (
  SELECT p.session, max(p.end_time_unix_nano) AS end_time_unix_nano
  FROM _trace_sessions AS p
  WHERE p.id IN (SELECT o.trace_session FROM json_each(:runs) AS w JOIN _open_spans AS o ON o.run = w.value)
  GROUP BY p.session
) AS g
WHERE _sessions.id = g.session;
DELETE FROM _open_spans WHERE run IN (SELECT value FROM json_each(:runs));
