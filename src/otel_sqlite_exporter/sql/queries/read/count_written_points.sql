-- How many data points were ever written, by all programs; always one row. Plan: all exporters, of which a file has few.
SELECT coalesce(sum(h.points), 0) FROM _exporter_runs AS h;
