-- The data points of metrics that all programs wrote, and those that they refused; always one row.
-- Plan: all exporters, of which a file has few.
SELECT coalesce(sum(h.points), 0) AS written, coalesce(sum(h.refused), 0) AS refused
FROM _exporter_runs AS h;
