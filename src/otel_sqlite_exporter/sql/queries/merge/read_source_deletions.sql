-- The ledger of a file, after the id :after.
SELECT
  d.id, d.run_id, d.command, d.rule, d.start_time_unix_nano, d.end_time_unix_nano, d.is_complete, d.sessions, d.traces,
  d.spans, d.logs, d.events, d.calls, d.tools, d.others, d.points
FROM _deletions AS d
WHERE d.id > :after
ORDER BY d.id
LIMIT :limit;
