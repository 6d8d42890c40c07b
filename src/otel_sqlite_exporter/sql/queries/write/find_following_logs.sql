-- Log records that name no session and show another one than their span, as one JSON array of [log record, its
-- trace_session, that of the span, time, trace, its session or null, that of the span or null, stem or null, whether it is a score]. :spans is
-- an array of ids of _spans. Of two spans that share their ids, a record belongs to that of its resource, else to the one
-- that receives.
SELECT json_group_array(json_array(
  l.id, l.trace_session, s.trace_session, l.time_unix_nano, s.trace, p.session, q.session, e.stem, ifnull(l.event_name = 'gen_ai.evaluation.result', 0)
))
FROM json_each(:spans) AS w
JOIN _spans AS s ON s.id = w.value
JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
JOIN _trace_sessions AS p ON p.id = l.trace_session
JOIN _trace_sessions AS q ON q.id = s.trace_session
LEFT JOIN _events AS e ON e.log = l.id
WHERE l.names_session = 0 AND l.trace_session <> s.trace_session
  AND s.id = (
    SELECT iif(max(2 * (z.resource = l.resource) + (z.kind IN (1, 4))) >= 0, z.id, NULL)
    FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id
  );
