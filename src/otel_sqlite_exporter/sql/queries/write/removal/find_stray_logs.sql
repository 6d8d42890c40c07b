-- Log records that name no session and whose span is gone, as one JSON array of [log record, its trace_session, the one that
-- it belongs to now, time, whether it is a score, trace, session that the first shows, session that the second shows, stem or
-- null]. That is the
-- row of another span with the ids of theirs, else the one of records that name no session. :keys is [[trace, span id], ...].
SELECT json_group_array(json_array(
  r.log, r.before, r.after, r.time_unix_nano, r.is_score, r.trace, p.session, q.session, e.stem
))
FROM (
  SELECT
    l.id AS log, l.trace_session AS before, l.time_unix_nano, l.trace,
    ifnull(l.event_name = 'gen_ai.evaluation.result', 0) AS is_score,
    coalesce(
      (
        SELECT iif(max(2 * (z.resource = l.resource) + (z.kind IN (1, 4))) >= 0, z.trace_session, NULL)
        FROM _spans AS z
        WHERE z.trace = l.trace AND z.span_id = l.span_id
      ),
      (SELECT p.id FROM _trace_sessions AS p WHERE p.trace = l.trace AND coalesce(p.own_session, 0) = 0)
    ) AS after
  FROM json_each(:keys) AS w
  CROSS JOIN _logs AS l ON l.trace = w.value ->> 0 AND l.span_id = w.value ->> 1
  WHERE iif(l.names_session = 0, l.id, 0) > 0
) AS r
CROSS JOIN _trace_sessions AS p ON p.id = r.before
CROSS JOIN _trace_sessions AS q ON q.id = r.after
LEFT JOIN _events AS e ON e.log = r.log
WHERE r.before <> r.after;
