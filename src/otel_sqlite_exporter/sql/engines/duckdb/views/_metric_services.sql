CREATE OR REPLACE VIEW _metric_services AS
-- One row for each instrument: the names of the services that have it, as an array. Private.
SELECT
  n._instrument,
  '[' || string_agg(CAST(to_json(n.service_name) AS VARCHAR), ',' ORDER BY n.service_name) || ']' AS services
FROM (SELECT DISTINCT m._instrument, m.service_name FROM _metrics AS m) AS n
GROUP BY n._instrument;
