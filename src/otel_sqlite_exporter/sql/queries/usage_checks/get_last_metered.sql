-- When the newest data point of any agent was read.
SELECT max(t.last_time_unix_nano)
FROM _agent_metrics AS a
JOIN _instruments AS i ON i.name = a.name
JOIN _series_times AS t ON t.instrument = i.id
WHERE a.measure IN ('tokens', 'cost')
