-- What tells whether a file still has what was read of it: the rows at these ids, by what identifies them. NULL: there is
-- none.
SELECT
  (
    SELECT json_array(t.trace_id, s.span_id, s.kind) FROM _spans AS s JOIN _traces AS t ON t.id = s.trace
    WHERE s.finish_record = :spans
  ) AS spans,
  (
    SELECT json_array(t.trace_id, l.span_id, l.time_unix_nano, l.observed_time_unix_nano, l.body, l.attributes)
    FROM _logs AS l JOIN _traces AS t ON t.id = l.trace
    WHERE l.id = :logs
  ) AS logs,
  (SELECT q.digest FROM _quarantine AS q WHERE q.id = :quarantine) AS quarantine,
  (SELECT i.digest FROM _imports AS i WHERE i.id = :imports) AS imports;
