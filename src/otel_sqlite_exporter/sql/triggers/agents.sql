-- Update the sums of _agents and _agent_sessions when calls change after they were written.

CREATE TRIGGER _llm_interactions_agent_changed
AFTER UPDATE OF
  is_hidden, is_repeat, twin, is_aggregate, status_code, error_type, is_interrupted, input_tokens, output_tokens, total_tokens
ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    calls = calls + (new.counted AND NOT new.is_aggregate) - (old.counted AND NOT old.is_aggregate),
    failed_calls = failed_calls
      + (new.counted AND NOT new.is_aggregate AND new.has_failed) - (old.counted AND NOT old.is_aggregate AND old.has_failed),
    reports = reports + (new.counted AND new.has_usage) - (old.counted AND old.has_usage),
    input_high = input_high
      + new.counted * (ifnull(new.input_tokens, 0) >> 32) - old.counted * (ifnull(old.input_tokens, 0) >> 32),
    input_low = input_low
      + new.counted * (ifnull(new.input_tokens, 0) & 4294967295) - old.counted * (ifnull(old.input_tokens, 0) & 4294967295),
    output_high = output_high
      + new.counted * (ifnull(new.output_tokens, 0) >> 32) - old.counted * (ifnull(old.output_tokens, 0) >> 32),
    output_low = output_low
      + new.counted * (ifnull(new.output_tokens, 0) & 4294967295) - old.counted * (ifnull(old.output_tokens, 0) & 4294967295),
    total_high = total_high
      + new.counted * (ifnull(new.total_tokens, 0) >> 32) - old.counted * (ifnull(old.total_tokens, 0) >> 32),
    total_low = total_low
      + new.counted * (ifnull(new.total_tokens, 0) & 4294967295) - old.counted * (ifnull(old.total_tokens, 0) & 4294967295)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = new.resource)
    AND agent_name = ifnull(new.agent_name, '');
END;

CREATE TRIGGER _llm_interactions_agent_removed AFTER DELETE ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    rows = rows - 1,
    calls = calls - (old.counted AND NOT old.is_aggregate),
    failed_calls = failed_calls - (old.counted AND NOT old.is_aggregate AND old.has_failed),
    reports = reports - (old.counted AND old.has_usage),
    input_high = input_high - old.counted * (ifnull(old.input_tokens, 0) >> 32),
    input_low = input_low - old.counted * (ifnull(old.input_tokens, 0) & 4294967295),
    output_high = output_high - old.counted * (ifnull(old.output_tokens, 0) >> 32),
    output_low = output_low - old.counted * (ifnull(old.output_tokens, 0) & 4294967295),
    total_high = total_high - old.counted * (ifnull(old.total_tokens, 0) >> 32),
    total_low = total_low - old.counted * (ifnull(old.total_tokens, 0) & 4294967295)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = old.resource)
    AND agent_name = ifnull(old.agent_name, '');
  UPDATE _agent_sessions
  SET calls = calls - 1
  WHERE agent = (
      SELECT a.id FROM _resources AS r JOIN _agents AS a ON a.service_name = r.service_name
      WHERE r.id = old.resource AND a.agent_name = ifnull(old.agent_name, '')
    )
    AND session = (SELECT p.session FROM _trace_sessions AS p WHERE p.id = old.trace_session);
END;

CREATE TRIGGER _llm_interactions_agent_moved AFTER UPDATE OF trace_session ON _llm_interactions
WHEN old.trace_session <> new.trace_session
BEGIN
  INSERT INTO _agent_sessions (agent, session, calls)
  SELECT a.id, p.session, w.sign
  FROM (SELECT old.trace_session AS trace_session, -1 AS sign UNION ALL SELECT new.trace_session, 1) AS w
  JOIN _trace_sessions AS p ON p.id = w.trace_session
  JOIN _resources AS r ON r.id = new.resource
  JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(new.agent_name, '')
  WHERE p.session IS NOT NULL
  ON CONFLICT (agent, session) DO UPDATE SET calls = calls + excluded.calls;
END;

CREATE TRIGGER _trace_sessions_agents_moved AFTER UPDATE OF session ON _trace_sessions WHEN old.session IS NOT new.session
BEGIN
  INSERT INTO _agent_sessions (agent, session, calls)
  SELECT a.id, w.session, w.sign * count(*)
  FROM (SELECT old.session AS session, -1 AS sign UNION ALL SELECT new.session, 1) AS w
  JOIN _llm_interactions AS i ON i.trace_session = new.id
  JOIN _resources AS r ON r.id = i.resource
  JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(i.agent_name, '')
  WHERE w.session IS NOT NULL
  GROUP BY 1, 2
  ON CONFLICT (agent, session) DO UPDATE SET calls = calls + excluded.calls;
END;
