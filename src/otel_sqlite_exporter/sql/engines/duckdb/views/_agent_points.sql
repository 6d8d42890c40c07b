CREATE OR REPLACE VIEW _agent_points AS
-- One row for each data point that tells what an agent has used or done, and each type that it adds to. amount is what came
-- since the point before, by metric_points, in unit; NULL where that is not known. Private.
SELECT
  p.agent_name,
  p.service_name,
  p.session_id,
  p.user_id,
  p.model,
  p.request_model,
  p.measure,
  coalesce(t.type, p.told_type) AS type,
  p.unit,
  p.time_unix_nano,
  p.amount
FROM (
  SELECT
    a.name,
    coalesce(a.agent, m.service_name) AS agent_name,
    m.service_name,
    m.session_id,
    m.user_id,
    coalesce(
      CASE a.model_path
        WHEN '$."gen_ai.request.model"' THEN m.attributes ->> '$."gen_ai.request.model"'
        WHEN '$."gen_ai.response.model"' THEN m.attributes ->> '$."gen_ai.response.model"'
        WHEN '$.model' THEN m.attributes ->> '$.model'
      END,
      CASE a.asked_model_path
        WHEN '$."gen_ai.request.model"' THEN m.attributes ->> '$."gen_ai.request.model"'
      END
    ) AS model,
    CASE a.asked_model_path
      WHEN '$."gen_ai.request.model"' THEN m.attributes ->> '$."gen_ai.request.model"'
    END AS request_model,
    a.measure,
    CASE a.type_path
      WHEN '$."copilot_chat.edit.outcome"' THEN m.attributes ->> '$."copilot_chat.edit.outcome"'
      WHEN '$."gen_ai.operation.name"' THEN m.attributes ->> '$."gen_ai.operation.name"'
      WHEN '$."gen_ai.token.type"' THEN m.attributes ->> '$."gen_ai.token.type"'
      WHEN '$."gen_ai.tool.name"' THEN m.attributes ->> '$."gen_ai.tool.name"'
      WHEN '$.decision' THEN m.attributes ->> '$.decision'
      WHEN '$.function_name' THEN m.attributes ->> '$.function_name'
      WHEN '$.status' THEN m.attributes ->> '$.status'
      WHEN '$.status_code' THEN m.attributes ->> '$.status_code'
      WHEN '$.token_type' THEN m.attributes ->> '$.token_type'
      WHEN '$.tool' THEN m.attributes ->> '$.tool'
      WHEN '$.type' THEN m.attributes ->> '$.type'
    END AS told_type,
    a.unit,
    a.rank,
    m.time_unix_nano,
    m._resource,
    coalesce(m._scope, 0) AS scope,
    a.factor * CASE
      WHEN a.amount = 'count' THEN m.count_delta
      WHEN m.kind = 'sum' THEN m.delta
      ELSE m.sum_delta
    END AS amount
  FROM _agent_metrics AS a
  JOIN _metrics AS m ON m.name = a.name
) AS p
JOIN (
  -- Of several metrics of a measure in one scope of a program, those with the lowest rank count.
  SELECT b.measure, n._resource, coalesce(n._scope, 0) AS scope, min(b.rank) AS rank
  FROM _agent_metrics AS b
  JOIN _metrics AS n ON n.name = b.name
  GROUP BY b.measure, n._resource, coalesce(n._scope, 0)
) AS r ON r.measure = p.measure AND r._resource = p._resource AND r.scope = p.scope AND r.rank = p.rank
LEFT JOIN (
  SELECT y.name, y.type, coalesce('=' || y.value, '') AS told FROM _agent_types AS y
) AS t ON t.name = p.name AND t.told = coalesce('=' || p.told_type, '')
WHERE coalesce(t.type, '') <> '-';
