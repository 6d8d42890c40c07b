-- Everything that the writer needs from the file before it adds a batch, in one row: each further row would give the
-- interpreter lock to a busy thread of the application once more.
-- Each column is JSON. :traces is {trace_id: [[span_id, ...], [session that spans name, or null, ...],
-- the strongest [rank, is_child, time, ...] of these or null, the smallest rank of an entry span or null], ...};
-- :sessions, :resources and :scopes are arrays of names and digests. CROSS JOIN keeps SQLite from reading all spans, or
-- all sessions, of a trace to find a few.
WITH
  wanted_traces AS MATERIALIZED (
    SELECT
      t.*, w.value -> 0 AS span_ids, w.value -> 1 AS own_sessions,
      t.trace_id <> '' AND w.value ->> '$[2][0]' IS NOT NULL AND (
        t.session IS NULL
        OR (w.value ->> '$[2][0]', w.value ->> '$[2][1]', w.value ->> '$[2][2]')
          <= (t.session_rank, t.session_is_child, t.session_time_unix_nano)
        OR w.value ->> 3 < ifnull(t.entry_session_rank, w.value ->> 3 + 1)
      ) AS may_show_another
    FROM json_each(:traces) AS w
    CROSS JOIN _traces AS t ON t.trace_id = w.key
  ),
  wanted_sessions AS MATERIALIZED (
    SELECT x.id, x.session_id
    FROM json_each(:sessions) AS w
    CROSS JOIN _sessions AS x ON x.session_id = w.value
  ),
  wanted_spans AS MATERIALIZED (
    SELECT
      t.trace_id, s.span_id, s.kind IN (1, 4) AS is_receiver, s.id, s.trace_session, s.start_time_unix_nano, s.end_time_unix_nano, s.end_time_source,
      s.status_code, s.finish_record
    FROM wanted_traces AS t
    CROSS JOIN json_each(t.span_ids) AS w
    CROSS JOIN _spans AS s ON s.trace = t.id AND s.span_id = w.value
  ),
  wanted_trace_sessions AS MATERIALIZED (
    SELECT p.id
    FROM wanted_traces AS t
    CROSS JOIN json_each(t.own_sessions) AS w
    LEFT JOIN _sessions AS x ON x.session_id = w.value
    CROSS JOIN _trace_sessions AS p ON p.trace = t.id AND coalesce(p.own_session, 0) = coalesce(x.id, 0)
    UNION
    SELECT trace_session FROM wanted_spans
    UNION
    SELECT p.id FROM wanted_traces AS t CROSS JOIN _trace_sessions AS p ON p.trace = t.id WHERE t.may_show_another
  )
SELECT
  json_object(
    '_resources', (SELECT coalesce(max(id), 0) FROM _resources),
    '_scopes', (SELECT coalesce(max(id), 0) FROM _scopes),
    '_sessions', (SELECT coalesce(max(id), 0) FROM _sessions),
    '_traces', (SELECT coalesce(max(id), 0) FROM _traces),
    '_trace_sessions', (SELECT coalesce(max(id), 0) FROM _trace_sessions),
    'records', max(
      (SELECT coalesce(max(id), 0) FROM _spans),
      (SELECT coalesce(max(finish_record), 0) FROM _spans WHERE finish_record IS NOT NULL),
      (SELECT coalesce(max(id), 0) FROM _events)
    ),
    '_logs', (SELECT coalesce(max(id), 0) FROM _logs),
    '_texts', (SELECT coalesce(max(id), 0) FROM _texts),
    '_llm_interactions', (SELECT coalesce(max(id), 0) FROM _llm_interactions)
  ) AS last_ids,
  ifnull((SELECT x.value FROM _state AS x WHERE x.name = 'last ids'), '{}') AS removed_ids,
  (
    SELECT json_group_object(r.digest, r.id)
    FROM json_each(:resources) AS w
    CROSS JOIN _resources AS r ON r.digest = w.value
  ) AS resources,
  (
    SELECT json_group_object(c.digest, c.id)
    FROM json_each(:scopes) AS w
    CROSS JOIN _scopes AS c ON c.digest = w.value
  ) AS scopes,
  (
    SELECT json_group_array(json_array(session_id, id))
    FROM (
      SELECT session_id, id FROM wanted_sessions
      UNION
      SELECT x.session_id, x.id FROM wanted_traces AS t CROSS JOIN _sessions AS x ON x.id = t.session
      UNION
      SELECT x.session_id, x.id
      FROM wanted_trace_sessions AS w
      CROSS JOIN _trace_sessions AS p ON p.id = w.id
      CROSS JOIN _sessions AS x ON x.id IN (p.own_session, p.session)
    )
  ) AS sessions,
  (
    SELECT json_group_array(json_array(
      t.trace_id, t.id,
      t.session_rank, t.session_is_child, t.session_time_unix_nano, x.session_id, t.session_source,
      t.user_rank, t.user_is_child, t.user_time_unix_nano, t.user_id, t.user_source,
      t.root_rank, t.root_time_unix_nano, t.root_span_id,
      t.start_time_unix_nano, t.end_time_unix_nano, t.entry_session_rank,
      t.root_span_id = '' AND t.trace_id <> '' AND NOT EXISTS (
        SELECT 1 FROM _trace_sessions AS p WHERE p.trace = t.id AND p.spans + p.logs > p.score_logs
      ),
      -- Only for traces with spans: log records outside of traces share one trace, with a row for each session.
      t.trace_id <> '' AND EXISTS (
        SELECT 1 FROM _trace_sessions AS p
        WHERE p.trace = t.id
          AND (
            EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.trace_session = p.id)
            OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.trace_session = p.id)
          )
      )
    ))
    FROM wanted_traces AS t
    LEFT JOIN _sessions AS x ON x.id = t.session
  ) AS traces,
  (
    SELECT json_group_array(json_array(
      t.trace_id, own.session_id, p.id, shown.session_id, p.source, p.source_rank, p.spans, p.errors, p.failed_entries,
      p.start_time_unix_nano, p.end_time_unix_nano, p.candidate_time_unix_nano, p.logs,
      p.score_logs
    ))
    FROM wanted_trace_sessions AS w
    CROSS JOIN _trace_sessions AS p ON p.id = w.id
    CROSS JOIN _traces AS t ON t.id = p.trace
    LEFT JOIN _sessions AS own ON own.id = p.own_session
    LEFT JOIN _sessions AS shown ON shown.id = p.session
  ) AS trace_sessions,
  (
    SELECT json_group_array(json_array(
      trace_id, span_id, is_receiver, id, trace_session, start_time_unix_nano, end_time_unix_nano, end_time_source, status_code,
      finish_record
    ))
    FROM wanted_spans
  ) AS spans;
