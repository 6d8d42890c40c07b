-- How many spans were interrupted, and what was lost on the way to the file.
SELECT
  (SELECT coalesce(sum(p.interrupted), 0) FROM _trace_sessions AS p) AS interrupted,
  (SELECT coalesce(sum(h.dropped), 0) FROM _exporter_runs AS h) AS dropped,
  (SELECT count(*) FROM _quarantine) AS quarantined;
