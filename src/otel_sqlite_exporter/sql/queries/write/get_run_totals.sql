-- The counts of one run. Parameter: run_id.
SELECT received, written, duplicate, repaired, quarantined FROM _exporter_runs WHERE run_id = :run_id;
