-- The traces that started before :until whose rows may have changed since the ids :record, :log and :rewrite (of the sequence of
-- spans and events, of _logs and of _rewritten_traces), one row each: its start, and what it started before, NULL if it is new; and
-- the last ids of what changed it. They have such records; or they have a call, a tool or a record that is one with another of such
-- records, or pairs with it. Log records without a trace are of the trace that has no id: those that the latter is about have a row
-- for each day, with a time of it as the start. :window is how far records may be from each other that pair by time, in nanoseconds.
WITH
  no_trace AS MATERIALIZED (SELECT t.id FROM _traces AS t WHERE t.trace_id = ''),
  new_spans AS MATERIALIZED (
    SELECT s.id, s.trace, max(s.id, ifnull(s.finish_record, 0)) AS record FROM _spans AS s WHERE s.id > :record
    UNION ALL
    SELECT s.id, s.trace, s.finish_record FROM _spans AS s INDEXED BY _spans_finish_record
    WHERE s.finish_record > :record AND s.id <= :record
  ),
  new_logs AS MATERIALIZED (SELECT l.id, l.trace FROM _logs AS l WHERE l.id > :log),
  new_events AS MATERIALIZED (
    SELECT e.id, e.trace_session, e.stem, e.time_unix_nano, e.related_event FROM _events AS e WHERE e.id > :record
  ),
  new_calls AS MATERIALIZED (
    SELECT i.id, i.twin, i.content_of, i.response_key, s.record
    FROM new_spans AS s
    CROSS JOIN _llm_interactions AS i ON i.span = s.id
    UNION ALL
    SELECT i.id, i.twin, i.content_of, i.response_key, e.id
    FROM new_events AS e
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  new_tools AS MATERIALIZED (
    SELECT i.id, i.merged_into, i.call_key, i.asked_key, s.record
    FROM new_spans AS s
    CROSS JOIN _tool_interactions AS i ON i.span = s.id
    UNION ALL
    SELECT i.id, i.merged_into, i.call_key, i.asked_key, e.id
    FROM new_events AS e
    CROSS JOIN _tool_interactions AS i ON i.event = e.id
    UNION ALL
    SELECT NULL, NULL, r.call_key, r.asked_key, s.record
    FROM new_spans AS s
    CROSS JOIN _tool_results AS r ON r.span = s.id
  ),
  changed (trace, event, record, log, rewrite) AS (
    SELECT s.trace, NULL, s.record, 0, 0 FROM new_spans AS s
    UNION ALL
    SELECT l.trace, NULL, 0, l.id, 0 FROM new_logs AS l WHERE l.trace NOT IN (SELECT id FROM no_trace)
    UNION ALL
    SELECT w.trace, NULL, 0, 0, w.id FROM _rewritten_traces AS w WHERE w.id > :rewrite
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o ON o.id IN (n.twin, n.content_of)
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o INDEXED BY _llm_interactions_twin ON o.twin IN (n.id, n.twin) AND o.twin IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_calls AS n
    CROSS JOIN _llm_interactions AS o INDEXED BY _llm_interactions_response_key ON o.response_key IN (n.response_key - 4294967296, n.response_key, n.response_key + 4294967296)
      AND o.response_key IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o ON o.id = n.merged_into
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_merged ON o.merged_into IN (n.id, nullif(n.merged_into, 0)) AND o.merged_into IS NOT NULL
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_call ON o.call_key = n.call_key
    UNION ALL
    SELECT o.trace, o.event, n.record, 0, 0
    FROM new_tools AS n
    CROSS JOIN _tool_interactions AS o INDEXED BY _tool_interactions_asked ON o.asked_key = n.asked_key
    UNION ALL
    SELECT p.trace, e.id, n.id, 0, 0
    FROM new_events AS n
    CROSS JOIN _events AS e ON e.id = n.related_event
    CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
    UNION ALL
    SELECT p.trace, e.id, n.id, 0, 0
    FROM new_events AS n
    CROSS JOIN _events AS e INDEXED BY _events_related_event ON e.related_event = n.id
    CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
    UNION ALL
    -- What paired with others before may have lost its partner.
    SELECT q.trace, e.id, n.id, 0, 0
    FROM new_events AS n
    CROSS JOIN _trace_sessions AS p ON p.id = n.trace_session
    CROSS JOIN _trace_sessions AS q ON q.session = p.session AND q.candidate_time_unix_nano >= n.time_unix_nano - 2 * :window
    CROSS JOIN _events AS e INDEXED BY _events_stem ON e.trace_session = q.id AND e.stem = n.stem
      AND e.time_unix_nano BETWEEN n.time_unix_nano - 2 * :window AND n.time_unix_nano + 2 * :window
    WHERE n.stem IS NOT NULL AND n.time_unix_nano < :until + :window
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
