-- Writes the start and the finish record of every new span, linked both ways; an open span has only a start. New spans
-- have consecutive ids, so their records need no parameters: 2 us a span, where binding two rows takes 9.
INSERT INTO _events (id, trace_session, span, source, phase, time_unix_nano, time_source, related_event, link_method)
SELECT
  :first_event + 2 * (s.id - :first_span) + side.value,
  s.trace_session,
  s.id,
  0,
  iif(side.value, 'finish', 'start'),
  iif(side.value, s.end_time_unix_nano, s.start_time_unix_nano),
  iif(side.value, s.end_time_source, s.start_time_source),
  iif(s.end_time_source IS 'open', NULL, :first_event + 2 * (s.id - :first_span) + 1 - side.value),
  iif(s.end_time_source IS 'open', NULL, 'span')
FROM _spans AS s
CROSS JOIN (SELECT 0 AS value UNION ALL SELECT 1) AS side
WHERE s.id BETWEEN :first_span AND :last_span AND (side.value = 0 OR s.end_time_source IS NOT 'open');
