CREATE VIEW agent_usage AS
-- One row for each day (UTC) and what the metrics of an agent, or of a program that calls models, say that it has used or
-- done: amount in unit. measure is sessions, turns, api_requests, tokens, cost, tool_calls, edit_decisions, lines, commits,
-- pull_requests or active_time. type is what kind of it: of tokens input_tokens, cached_input_tokens,
-- cache_creation_input_tokens, output_tokens or reasoning_tokens, where input_tokens include the cached and
-- cache-creation ones and output_tokens include reasoning, as in complete_llm_interactions; of tool_calls the tool; of
-- edit_decisions accept or reject; of lines added or removed; of active_time user or cli; of api_requests the status or the
-- operation. points is the number of data points. The calls of complete_llm_interactions are the same work: never add both.
SELECT
  summed.date,
  summed.agent_name,
  summed.service_name,
  summed.session_id,
  summed.user_id,
  summed.model,
  summed.measure,
  summed.type,
  summed.unit,
  iif(summed.unit NOT IN ('s', 'USD') AND summed.amount = CAST(summed.amount AS INTEGER), CAST(summed.amount AS INTEGER), summed.amount) AS amount,
  summed.points
FROM (
  SELECT
    date(p.time_unix_nano / 1000000000, 'unixepoch') AS date, p.agent_name, p.service_name, p.session_id, p.user_id, p.model,
    p.measure, p.type, p.unit, sum(p.amount) AS amount, count(*) AS points
  FROM _agent_points AS p
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
) AS summed;
