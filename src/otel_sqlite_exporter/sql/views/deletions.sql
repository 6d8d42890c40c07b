CREATE VIEW deletions AS
-- One row for each run of `delete` and of `prune`, and for each day (UTC) on which an exporter removed what
-- the retention settings say (command 'retention'): the ledger. rule is a JSON object of the options that chose, without names of
-- sessions, users and services. is_complete is 0 while it runs, and where it was stopped. The numbers are of rows;
-- sessions and traces are those of which nothing is left, tools are rows of tool executions, others are records in
-- quarantine, kept sums and exemplars of points that stay, and points are data points of metrics, also those that became one of
-- an hour with others.
SELECT
  d.run_id,
  d.command,
  d.rule,
  strftime('%Y-%m-%dT%H:%M:%S', d.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', d.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', d.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', d.end_time_unix_nano / 1000 % 1000000) AS end_time,
  d.is_complete,
  d.sessions,
  d.traces,
  d.spans,
  d.logs,
  d.events,
  d.calls,
  d.tools,
  d.others,
  d.points
FROM _deletions AS d;
