-- What decides which agents and workflows repeat usage, as JSON arrays. agents: [id, key of its span, start,
-- span id, 1 if calls of other traces add up to it, is_repeat] of those among :calls (ids of _llm_interactions), and of those
-- of other traces of the sessions that these or :trace_sessions (ids of _trace_sessions) show, or that :stays name: [[session,
-- trace, first time, last time], ...], records of a trace that show or showed a session. users: [id, key of its span,
-- start, span id, is_aggregate] of the calls at and below their spans that have usage. pairs: [key of a span, key of a span
-- below it] of these spans.
-- :settled are ids of _trace_sessions too: their own agents are decided, those of other traces may repeat their calls.
-- Agents of the traces :left (ids of _traces) are left out of :calls.
-- Calls of other traces add up to an agent if they are of its session and ran inside its time.
-- A condition on _llm_interactions alone would make SQLite build a Bloom filter of all its rows, in each batch.
WITH RECURSIVE
  touched (id) AS MATERIALIZED (
    SELECT i.trace_session FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
    UNION
    SELECT w.value FROM json_each(:trace_sessions) AS w
    UNION
    SELECT w.value FROM json_each(:settled) AS w
  ),
  stays (session, trace, first_time, last_time) AS MATERIALIZED (
    SELECT p.session, p.trace, p.start_time_unix_nano, p.end_time_unix_nano
    FROM touched AS t
    CROSS JOIN _trace_sessions AS p ON p.id = t.id
    UNION
    SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3 FROM json_each(:stays) AS w
  ),
  near (id) AS (
    SELECT o.id
    FROM stays AS p
    CROSS JOIN _trace_sessions AS o ON o.session = p.session AND o.end_time_unix_nano >= p.first_time
    WHERE EXISTS (SELECT 1 FROM _reporters AS r WHERE r.is_aggregate = 1)
      AND iif(o.start_time_unix_nano <= p.last_time, o.trace, p.trace) <> p.trace
  ),
  aggregates AS MATERIALIZED (
    SELECT i.*
    FROM json_each(:calls) AS w
    CROSS JOIN _llm_interactions AS i ON i.id = w.value
    WHERE iif(i.is_aggregate, i.trace NOT IN (SELECT value FROM json_each(:left)), 0)
    UNION
    SELECT i.*
    FROM near AS n
    CROSS JOIN _llm_interactions AS i INDEXED BY _llm_interactions_aggregate
      ON i.trace_session = n.id AND i.is_aggregate = 1 AND i.is_hidden = 0
    WHERE n.id NOT IN (SELECT w.value FROM json_each(:settled) AS w)
    UNION
    SELECT i.*
    FROM json_each(:trace_sessions) AS w
    CROSS JOIN _llm_interactions AS i INDEXED BY _llm_interactions_aggregate
      ON i.trace_session = w.value AND i.is_aggregate = 1 AND i.is_hidden = 0
  ),
  -- Agents are inside agents, so each span is taken once for all of them.
  down (trace, id, span_id) AS MATERIALIZED (
    SELECT s.trace, s.id, s.span_id FROM aggregates AS a CROSS JOIN _spans AS s ON s.id = a.span
    UNION
    SELECT c.trace, c.id, c.span_id
    FROM down AS d
    CROSS JOIN _spans AS c ON c.trace = d.trace AND c.parent_span_id = d.span_id
  ),
  elsewhere (call, calls, input_tokens, output_tokens) AS MATERIALIZED (
    SELECT a.id, count(*), total(i.input_tokens), total(i.output_tokens)
    FROM aggregates AS a
    CROSS JOIN _trace_sessions AS p ON p.id = a.trace_session
    CROSS JOIN _trace_sessions AS o ON o.session = p.session AND o.end_time_unix_nano >= a.start_time_unix_nano
    CROSS JOIN _llm_interactions AS i ON i.trace_session = o.id
      AND i.start_time_unix_nano BETWEEN a.start_time_unix_nano AND a.end_time_unix_nano
    WHERE iif(
      i.end_time_unix_nano <= a.end_time_unix_nano AND i.counted AND NOT i.is_aggregate,
      o.trace, p.trace
    ) <> p.trace
    GROUP BY a.id
  )
SELECT
  (
    SELECT json_group_array(json_array(
      a.id,
      ifnull(a.span, 0),
      a.start_time_unix_nano,
      ifnull((SELECT s.span_id FROM _spans AS s WHERE s.id = a.span), ''),
      EXISTS (
        SELECT 1
        FROM elsewhere AS e
        WHERE e.call = a.id AND e.input_tokens = ifnull(a.input_tokens, 0) AND e.output_tokens = ifnull(a.output_tokens, 0)
          AND a.has_usage
      ),
      a.is_repeat
    ))
    FROM aggregates AS a
  ) AS agents,
  (
    SELECT json_group_array(json_array(w.id, w.span, w.start_time_unix_nano, w.span_id, w.is_aggregate))
    FROM (
      SELECT i.id, d.id AS span, i.start_time_unix_nano, d.span_id, i.is_aggregate
      FROM down AS d
      CROSS JOIN _llm_interactions AS i ON i.span = d.id
      WHERE iif(i.has_usage, d.id, 0) > 0
      UNION ALL
      SELECT i.id, d.id, i.start_time_unix_nano, d.span_id, 0
      FROM down AS d
      CROSS JOIN _logs AS l ON l.trace = d.trace AND l.span_id = d.span_id
      CROSS JOIN _events AS e ON e.log = l.id
      CROSS JOIN _llm_interactions AS i ON i.event = e.id
      WHERE iif(i.has_usage, d.id, 0) > 0
    ) AS w
  ) AS users,
  (
    SELECT json_group_array(json_array(d.id, c.id))
    FROM down AS d
    CROSS JOIN _spans AS c ON c.trace = d.trace AND c.parent_span_id = d.span_id
  ) AS pairs;
