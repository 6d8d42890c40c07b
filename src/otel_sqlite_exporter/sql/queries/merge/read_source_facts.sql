-- What a source is: the time and duration of its first step, which are its own; its name; how often a span that had ended
-- was written again; its last import; the last write of its exporters; the day (UTC) of its newest span; and when it last
-- removed records.
SELECT
  (SELECT m.applied_at || ' ' || m.duration_ms FROM _migrations AS m ORDER BY m.version LIMIT 1) AS identity,
  (SELECT s.value FROM _state AS s WHERE s.name = 'file') AS name,
  (SELECT s.value FROM _state AS s WHERE s.name = 'replaced spans') AS replaced,
  (SELECT coalesce(max(i.id), 0) FROM _imports AS i) AS last_import,
  (SELECT coalesce(max(h.last_write_unix_nano), 0) FROM _exporter_runs AS h) AS last_write,
  (SELECT coalesce(max(s.start_time_unix_nano), 0) / 86400000000000 FROM _spans AS s) AS newest_day,
  (SELECT coalesce(max(d.end_time_unix_nano), 0) FROM _deletions AS d) AS last_deletion;
