-- The next spans that run, after the id :after, each with the run that will end it.
SELECT o.span, h.run_id
FROM _open_spans AS o
JOIN _exporter_runs AS h ON h.id = o.run
WHERE o.span > :after
ORDER BY o.span
LIMIT :limit;
