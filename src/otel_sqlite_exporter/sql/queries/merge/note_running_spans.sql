-- Notes which spans run, and who will end them. :spans is [[trace id, span id, whether it receives, run], ...].
INSERT INTO _open_spans (span, trace_session, run)
SELECT s.id, s.trace_session, h.id
FROM json_each(:spans) AS w
CROSS JOIN _traces AS t ON t.trace_id = w.value ->> 0
CROSS JOIN _spans AS s ON s.trace = t.id AND s.span_id = w.value ->> 1 AND s.kind IN (1, 4) = w.value ->> 2
CROSS JOIN _exporter_runs AS h ON h.run_id = w.value ->> 3
WHERE s.end_time_source = 'open'
ON CONFLICT (span) DO NOTHING;
