-- Agents and workflows that may repeat usage, as a JSON array of [id, 1 if it does, is_repeat]: those among :calls (ids of
-- _llm_interactions), and those of other traces of the sessions that these or :trace_sessions (ids of _trace_sessions) show.
-- :settled are ids of _trace_sessions too: their own agents are decided, those of other traces may repeat their calls.
-- One repeats what calls below it report, and what the calls of its session in other traces that ran inside its time add
-- up to. Of agents that are above each other, the later is taken as the inner.
-- A condition on _llm_interactions alone would make SQLite build a Bloom filter of all its rows, in each batch.
WITH RECURSIVE
  touched (id) AS MATERIALIZED (
    SELECT i.trace_session FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
    UNION
    SELECT w.value FROM json_each(:trace_sessions) AS w
    UNION
    SELECT w.value FROM json_each(:settled) AS w
  ),
  near (id) AS (
    SELECT o.id
    FROM touched AS t
    CROSS JOIN _trace_sessions AS p ON p.id = t.id
    CROSS JOIN _trace_sessions AS o ON o.session = p.session AND o.end_time_unix_nano >= p.start_time_unix_nano
    WHERE EXISTS (SELECT 1 FROM _reporters AS r WHERE r.is_aggregate = 1)
      AND iif(o.start_time_unix_nano <= p.end_time_unix_nano, o.trace, p.trace) <> p.trace
  ),
  aggregates AS MATERIALIZED (
    SELECT i.*
    FROM json_each(:calls) AS w
    CROSS JOIN _llm_interactions AS i ON i.id = w.value
    WHERE iif(i.is_aggregate, 1, 0)
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
  down (call, trace, id, span_id) AS MATERIALIZED (
    SELECT a.id, s.trace, s.id, s.span_id FROM aggregates AS a CROSS JOIN _spans AS s ON s.id = a.span
    UNION
    SELECT d.call, d.trace, c.id, c.span_id
    FROM down AS d
    CROSS JOIN _spans AS c ON c.trace = d.trace AND c.parent_span_id = d.span_id
  ),
  up (call, trace, id, parent_span_id) AS MATERIALIZED (
    SELECT a.id, s.trace, s.id, s.parent_span_id FROM aggregates AS a CROSS JOIN _spans AS s ON s.id = a.span
    UNION
    SELECT u.call, u.trace, s.id, s.parent_span_id
    FROM up AS u
    CROSS JOIN _spans AS s ON s.trace = u.trace AND s.span_id = u.parent_span_id
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
SELECT json_group_array(json_array(
  a.id,
  EXISTS (
    SELECT 1
    FROM down AS d
    CROSS JOIN _llm_interactions AS i ON i.span = d.id
    WHERE d.call = a.id AND iif(
      i.has_usage AND i.id <> a.id AND (
        i.is_aggregate = 0
        OR NOT EXISTS (SELECT 1 FROM up AS u WHERE u.call = a.id AND u.id = d.id)
        OR (i.start_time_unix_nano, d.span_id)
          > (a.start_time_unix_nano, (SELECT s.span_id FROM _spans AS s WHERE s.id = a.span))
      ),
      i.span, 0
    ) = d.id
  )
  OR EXISTS (
    SELECT 1
    FROM down AS d
    CROSS JOIN _logs AS l ON l.trace = d.trace AND l.span_id = d.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
    WHERE d.call = a.id AND iif(i.has_usage, i.event, 0) = e.id
  )
  OR EXISTS (
    SELECT 1
    FROM elsewhere AS e
    WHERE e.call = a.id AND e.input_tokens = ifnull(a.input_tokens, 0) AND e.output_tokens = ifnull(a.output_tokens, 0)
      AND a.has_usage
  ),
  a.is_repeat
))
FROM aggregates AS a;
