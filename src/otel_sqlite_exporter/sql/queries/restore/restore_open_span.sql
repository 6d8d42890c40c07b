-- Notes that a span runs.
INSERT INTO _open_spans (span, trace_session, run)
SELECT s.id, s.trace_session, h.id
FROM _spans AS s
JOIN _exporter_runs AS h ON h.run_id = :run_id
WHERE s.id = :id;
