-- Notes which of the new spans run, and in which exporter (:run_id), which will end them.
INSERT INTO _open_spans (span, trace_session, run)
SELECT s.id, s.trace_session, h.id
FROM _spans AS s
JOIN _exporter_runs AS h ON h.run_id = :run_id
WHERE s.id BETWEEN :first_span AND :last_span AND s.end_time_source = 'open';
