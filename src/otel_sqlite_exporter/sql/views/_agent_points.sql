CREATE VIEW _agent_points AS
-- One row for each data point that tells what an agent has used or done, and each type that it adds to. amount is what came
-- since the point before, by metric_points, in unit; NULL where that is not known. It came after since_unix_nano: the time of
-- the point before, or a second before the start of counting, as many SDKs begin to count with the first value. Private.
SELECT
  coalesce(a.agent, r.service_name) AS agent_name,
  r.service_name,
  m.session_id,
  m.user_id,
  CAST(coalesce(m.attributes ->> a.model_path, m.attributes ->> a.asked_model_path) AS TEXT) AS model,
  CAST(m.attributes ->> a.asked_model_path AS TEXT) AS request_model,
  a.measure,
  CAST(coalesce(t.type, m.attributes ->> a.type_path) AS TEXT) AS type,
  a.unit,
  p.time_unix_nano,
  max(ifnull(p.start_time_unix_nano - 1000000000, 0), ifnull((SELECT n.previous_time_unix_nano FROM _point_numbers AS n WHERE n.series = m.id AND n.time_unix_nano = p.time_unix_nano LIMIT 1), 0)) AS since_unix_nano,
  1.0 * a.factor * CASE a.amount WHEN 'count' THEN p.count_delta ELSE iif(i.kind = 'sum', p.delta, p.sum_delta) END AS amount
FROM _agent_metrics AS a
JOIN _instruments AS i ON i.name = a.name
JOIN _metric_series AS m ON m.instrument = i.id
JOIN _resources AS r ON r.id = m.resource
LEFT JOIN _agent_types AS t ON t.name = a.name AND t.value IS (m.attributes ->> a.type_path)
JOIN metric_points AS p ON p.series_id = m.id
WHERE t.type IS NOT '-'
  AND (
    a.rank = 1
    OR NOT EXISTS (
      SELECT 1
      FROM _agent_metrics AS b
      CROSS JOIN _instruments AS j ON j.name = b.name
      CROSS JOIN _metric_series AS o ON o.instrument = j.id
      WHERE b.measure = a.measure AND b.rank < a.rank AND j.scope IS i.scope AND o.resource = m.resource
    )
  );
