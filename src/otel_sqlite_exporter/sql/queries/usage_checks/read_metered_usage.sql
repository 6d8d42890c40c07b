-- The tokens and the cost that metrics tell from a time on, by what they can be compared in: a session, or a day (UTC) of
-- what names none.
SELECT
  p.service_name,
  p.session_id,
  iif(p.session_id IS NULL, date(p.time_unix_nano / 1000000000, 'unixepoch'), NULL) AS date,
  p.model,
  iif(p.measure = 'cost', 'cost_usd', p.type) AS measure,
  p.since_unix_nano,
  p.time_unix_nano,
  p.amount
FROM _agent_points AS p
WHERE p.measure IN ('tokens', 'cost') AND p.time_unix_nano >= :since
ORDER BY 1, 2, 3
