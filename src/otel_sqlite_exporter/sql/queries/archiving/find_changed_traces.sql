-- The traces that started before :until whose rows may have changed since the ids :record, :log and :rewrite (of the sequence of
-- spans and events, of _logs and of _rewritten_traces), one row each: its start, and what it started before, NULL if it is new; and
-- the last ids of what changed it. They have such records; or they have a call, a tool or a record that is one with a record of a
-- trace that has such records, or pairs with it; or an agent that may repeat calls of it. All records of such a trace count, as a
-- session that is named late is that of all of them. Log records without a trace are of the trace that has no id: those that the
-- latter is about have a row for each day, with a time of it as the start. :window is how far records may be from each other that
-- pair by time, in nanoseconds. A condition on a joined table alone would let SQLite read all of it for a Bloom filter: iif()
-- names another table in it.
WITH
  no_trace AS MATERIALIZED (SELECT t.id FROM _traces AS t WHERE t.trace_id = ''),
  late AS MATERIALIZED (
    SELECT w.trace, max(w.record) AS record, max(w.log) AS log
    FROM (
      SELECT s.trace, max(s.id, ifnull(s.finish_record, 0)) AS record, 0 AS log FROM _spans AS s WHERE s.id > :record
      UNION ALL
      SELECT s.trace, s.finish_record, 0 FROM _spans AS s INDEXED BY _spans_finish_record
      WHERE s.finish_record > :record AND s.id <= :record
      UNION ALL
      SELECT l.trace, 0, l.id FROM _logs AS l WHERE l.id > :log AND l.trace NOT IN (SELECT id FROM no_trace)
    ) AS w
    GROUP BY w.trace
  ),
  new_spans AS MATERIALIZED (
    SELECT s.id, l.record, l.log FROM late AS l CROSS JOIN _spans AS s ON s.trace = l.trace
  ),
  new_events AS MATERIALIZED (
    SELECT e.id, p.trace, p.session, e.stem, e.time_unix_nano, e.related_event, l.record, l.log
    FROM late AS l
    CROSS JOIN _trace_sessions AS p INDEXED BY _trace_sessions_key ON p.trace = l.trace
    CROSS JOIN _events AS e INDEXED BY _events_trace_session ON e.trace_session = p.id
    UNION ALL
    SELECT e.id, p.trace, p.session, e.stem, e.time_unix_nano, e.related_event, e.id, 0
    FROM _events AS e
    CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
    WHERE e.id > :record AND iif(e.id, p.trace, NULL) IN (SELECT id FROM no_trace)
  ),
  -- The sessions that these records show, or have shown: a record of their trace names each.
  shown (trace, session) AS MATERIALIZED (
    SELECT l.trace, p.session FROM late AS l CROSS JOIN _trace_sessions AS p INDEXED BY _trace_sessions_key ON p.trace = l.trace WHERE iif(l.trace, p.session, NULL) IS NOT NULL
    UNION
    SELECT l.trace, p.own_session FROM late AS l CROSS JOIN _trace_sessions AS p INDEXED BY _trace_sessions_key ON p.trace = l.trace
    WHERE iif(l.trace, p.own_session, NULL) IS NOT NULL
  ),
  times (session, since, until, record, log) AS MATERIALIZED (
    SELECT h.session, min(p.start_time_unix_nano), max(p.end_time_unix_nano), max(l.record), max(l.log)
    FROM late AS l
    CROSS JOIN shown AS h ON h.trace = l.trace
    CROSS JOIN _trace_sessions AS p INDEXED BY _trace_sessions_key ON p.trace = l.trace
    GROUP BY h.session, p.start_time_unix_nano / 86400000000000
    UNION ALL
    SELECT e.session, min(e.time_unix_nano), max(e.time_unix_nano), max(e.record), 0
    FROM new_events AS e
    WHERE e.trace IN (SELECT id FROM no_trace) AND e.session IS NOT NULL
    GROUP BY e.session, e.time_unix_nano / 86400000000000
  ),
  new_calls AS MATERIALIZED (
    SELECT i.id, i.twin, i.content_of, i.response_key, s.record, s.log
    FROM new_spans AS s
    CROSS JOIN _llm_interactions AS i ON i.span = s.id
    UNION ALL
    SELECT i.id, i.twin, i.content_of, i.response_key, e.record, e.log
    FROM new_events AS e
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  new_tools AS MATERIALIZED (
    SELECT i.id, i.merged_into, i.call_key, i.asked_key, s.record, s.log
    FROM new_spans AS s
    CROSS JOIN _tool_interactions AS i ON i.span = s.id
    UNION ALL
    SELECT i.id, i.merged_into, i.call_key, i.asked_key, e.record, e.log
    FROM new_events AS e
    CROSS JOIN _tool_interactions AS i ON i.event = e.id
    UNION ALL
    SELECT NULL, NULL, r.call_key, r.asked_key, s.record, s.log
    FROM new_spans AS s
    CROSS JOIN _tool_results AS r ON r.span = s.id
  ),
  changed (trace, event, record, log, rewrite) AS (
    SELECT l.trace, NULL, l.record, l.log, 0 FROM late AS l
    UNION ALL
    SELECT w.trace, NULL, 0, 0, w.id FROM _rewritten_traces AS w WHERE w.id > :rewrite
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o ON o.id IN (n.twin, n.content_of)
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o INDEXED BY _llm_interactions_twin ON o.twin IN (n.id, n.twin) AND o.twin IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o INDEXED BY _llm_interactions_response_key ON o.response_key IN (n.response_key - 4294967296, n.response_key, n.response_key + 4294967296)
      AND o.response_key IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o ON o.id = n.merged_into
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_merged ON o.merged_into IN (n.id, nullif(n.merged_into, 0)) AND o.merged_into IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_call ON o.call_key = n.call_key
    UNION ALL
    SELECT o.trace, o.event, n.record, n.log, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_asked ON o.asked_key = n.asked_key
    UNION ALL
    SELECT p.trace, e.id, n.record, n.log, 0
    FROM new_events AS n
    CROSS JOIN _events AS e ON e.id = n.related_event
    CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
    UNION ALL
    SELECT p.trace, e.id, n.record, n.log, 0
    FROM new_events AS n
    CROSS JOIN _events AS e INDEXED BY _events_related_event ON e.related_event = n.id
    CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
    UNION ALL
    -- What paired with others before may have lost its partner.
    SELECT q.trace, e.id, n.record, n.log, 0
    FROM (
      SELECT w.stem, w.time_unix_nano, w.record, w.log, h.session
      FROM new_events AS w
      CROSS JOIN shown AS h ON h.trace = w.trace
      WHERE w.stem IS NOT NULL
      UNION ALL
      SELECT w.stem, w.time_unix_nano, w.record, w.log, w.session
      FROM new_events AS w
      WHERE w.stem IS NOT NULL AND w.trace IN (SELECT id FROM no_trace)
    ) AS n
    CROSS JOIN _trace_sessions AS q INDEXED BY _trace_sessions_candidates ON q.session = n.session AND q.candidate_time_unix_nano >= n.time_unix_nano - 2 * :window
    CROSS JOIN _events AS e INDEXED BY _events_stem ON e.trace_session = q.id AND e.stem = n.stem
      AND e.time_unix_nano BETWEEN n.time_unix_nano - 2 * :window AND n.time_unix_nano + 2 * :window
    WHERE n.time_unix_nano < :until + :window
    UNION ALL
    SELECT a.trace, NULL, w.record, w.log, 0
    FROM times AS w
    CROSS JOIN _trace_sessions AS q INDEXED BY _trace_sessions_session ON q.session = w.session AND q.end_time_unix_nano >= w.since
    CROSS JOIN _llm_interactions AS a INDEXED BY _llm_interactions_aggregate
      ON a.trace_session = q.id AND a.is_aggregate = 1 AND a.is_hidden = 0
    WHERE q.start_time_unix_nano <= w.until AND a.has_usage AND a.start_time_unix_nano <= w.until
      AND a.end_time_unix_nano >= w.since
  )
SELECT
  t.id,
  t.trace_id,
  t.start_time_unix_nano,
  min(
    ifnull((SELECT min(s.start_time_unix_nano) FROM _spans AS s WHERE s.trace = t.id AND s.id <= :record), 9223372036854775807),
    ifnull((SELECT min(l.time_unix_nano) FROM _logs AS l WHERE l.trace = t.id AND l.id <= :log), 9223372036854775807)
  ) AS start_before,
  c.record,
  c.log,
  c.rewrite
FROM (
  SELECT trace, max(record) AS record, max(log) AS log, max(rewrite) AS rewrite
  FROM changed
  WHERE trace NOT IN (SELECT id FROM no_trace)
  GROUP BY trace
) AS c
CROSS JOIN _traces AS t ON t.id = c.trace
WHERE t.start_time_unix_nano < :until
UNION ALL
SELECT c.trace, '', min(c.time_unix_nano), 9223372036854775807, max(c.record), 0, 0
FROM (
  SELECT trace, record, (SELECT e.time_unix_nano FROM _events AS e WHERE e.id = event) AS time_unix_nano
  FROM changed
  WHERE trace IN (SELECT id FROM no_trace)
) AS c
WHERE c.time_unix_nano < :until
GROUP BY c.trace, c.time_unix_nano / 86400000000000;
