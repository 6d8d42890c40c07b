-- The runs that have open spans, and until when the sessions of these spans go. :runs is [[id of _exporter_runs, until
-- when it ran, whether its process is gone], ...].
INSERT OR REPLACE INTO temp._open_runs (id, until_unix_nano, is_gone)
SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2
FROM json_each(:runs) AS w;
INSERT OR REPLACE INTO temp._open_sessions (id, until_unix_nano)
SELECT p.session, max(h.until_unix_nano)
FROM temp._open_runs AS h
CROSS JOIN _open_spans AS o ON o.run = h.id
CROSS JOIN _trace_sessions AS p ON p.id = o.trace_session
WHERE p.session IS NOT NULL
GROUP BY p.session;
