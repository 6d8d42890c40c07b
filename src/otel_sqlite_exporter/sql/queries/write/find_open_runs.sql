-- The exporters that have open spans: key, process, number of these spans, and time of the last write.
SELECT
  h.id, h.host, h.pid, h.boot_id, h.pid_namespace, h.process_start,
  count(*) AS spans,
  h.last_write_unix_nano
FROM _open_spans AS o
JOIN _exporter_runs AS h ON h.id = o.run
GROUP BY h.id;
