CREATE OR REPLACE VIEW agent_usage AS
-- One row for each day (UTC) and what the metrics of an agent, or of a program that calls models, say that it has used or
-- done: amount (a double) in unit. The calls of complete_llm_interactions are the same work: never add both.
SELECT
  strftime(make_timestamp(p.time_unix_nano // 1000), '%Y-%m-%d') AS date,
  p.agent_name,
  p.service_name,
  p.session_id,
  p.user_id,
  p.model,
  p.measure,
  p.type,
  p.unit,
  sum(p.amount) AS amount,
  count(*) AS points
FROM _agent_points AS p
GROUP BY
  strftime(make_timestamp(p.time_unix_nano // 1000), '%Y-%m-%d'), p.agent_name, p.service_name, p.session_id, p.user_id,
  p.model, p.measure, p.type, p.unit;
