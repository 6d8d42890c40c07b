-- Agents with what they did, and events of security and frameworks.

-- One row for each service and agent name. Its sums follow those of _llm_interactions: the writer adds what it writes,
-- triggers take away what goes and follow what changes.
CREATE TABLE _agents (
  id INTEGER PRIMARY KEY,
  service_name TEXT NOT NULL,
  agent_name TEXT NOT NULL,               -- empty: its calls name none
  resource_agent_name TEXT,               -- that of the resource
  agent_id TEXT,
  version TEXT,
  first_seen_unix_nano INTEGER NOT NULL,
  last_seen_unix_nano INTEGER NOT NULL,
  rows INTEGER NOT NULL,                  -- of _llm_interactions; 0: there were some, and versions of spans took them away
  calls INTEGER NOT NULL,                 -- counted ones; an agent that reports the usage of its calls is none
  reports INTEGER NOT NULL,               -- counted rows with usage
  input_tokens INTEGER NOT NULL,          -- of one row at most 2^40 count, so that no sum is too large
  output_tokens INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  UNIQUE (service_name, agent_name)
) STRICT;
CREATE INDEX _agents_last_seen ON _agents (last_seen_unix_nano);
-- How many rows of an agent show a session; 0 where they have left it.
CREATE TABLE _agent_sessions (
  id INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL REFERENCES _agents,
  session INTEGER NOT NULL REFERENCES _sessions,
  calls INTEGER NOT NULL,
  UNIQUE (agent, session)
) STRICT;

INSERT INTO _agents (
  service_name, agent_name, resource_agent_name, agent_id, version, first_seen_unix_nano, last_seen_unix_nano, rows,
  calls, reports, input_tokens, output_tokens, total_tokens
)
SELECT
  r.service_name,
  ifnull(i.agent_name, ''),
  max(r.attributes ->> '$."gen_ai.agent.name"'),
  max(r.attributes ->> '$."gen_ai.agent.id"'),
  max(coalesce(r.attributes ->> '$."gen_ai.agent.version"', r.attributes ->> '$."service.version"')),
  min(i.start_time_unix_nano),
  max(i.end_time_unix_nano),
  count(*),
  count(*) FILTER (WHERE i.counted AND NOT i.is_aggregate),
  count(*) FILTER (WHERE i.counted AND i.has_usage),
  ifnull(sum(min(i.input_tokens, 1099511627776)) FILTER (WHERE i.counted), 0),
  ifnull(sum(min(i.output_tokens, 1099511627776)) FILTER (WHERE i.counted), 0),
  ifnull(sum(min(i.total_tokens, 1099511627776)) FILTER (WHERE i.counted), 0)
FROM _llm_interactions AS i
JOIN _resources AS r ON r.id = i.resource
GROUP BY 1, 2;
INSERT INTO _agent_sessions (agent, session, calls)
SELECT a.id, p.session, count(*)
FROM _llm_interactions AS i
JOIN _resources AS r ON r.id = i.resource
JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(i.agent_name, '')
JOIN _trace_sessions AS p ON p.id = i.trace_session
WHERE p.session IS NOT NULL
GROUP BY 1, 2;

CREATE TRIGGER _llm_interactions_agent_changed
AFTER UPDATE OF is_hidden, is_repeat, is_duplicate, is_aggregate, input_tokens, output_tokens, total_tokens ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    calls = calls - (old.counted AND NOT old.is_aggregate),
    reports = reports - (old.counted AND old.has_usage),
    input_tokens = input_tokens - old.counted * min(ifnull(old.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens - old.counted * min(ifnull(old.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens - old.counted * min(ifnull(old.total_tokens, 0), 1099511627776)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = old.resource)
    AND agent_name = ifnull(old.agent_name, '');
  UPDATE _agents
  SET
    calls = calls + (new.counted AND NOT new.is_aggregate),
    reports = reports + (new.counted AND new.has_usage),
    input_tokens = input_tokens + new.counted * min(ifnull(new.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens + new.counted * min(ifnull(new.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens + new.counted * min(ifnull(new.total_tokens, 0), 1099511627776)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = new.resource)
    AND agent_name = ifnull(new.agent_name, '');
END;
CREATE TRIGGER _llm_interactions_agent_removed AFTER DELETE ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    rows = rows - 1,
    calls = calls - (old.counted AND NOT old.is_aggregate),
    reports = reports - (old.counted AND old.has_usage),
    input_tokens = input_tokens - old.counted * min(ifnull(old.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens - old.counted * min(ifnull(old.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens - old.counted * min(ifnull(old.total_tokens, 0), 1099511627776)
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
  UPDATE _agent_sessions
  SET calls = calls - 1
  WHERE agent = (
      SELECT a.id FROM _resources AS r JOIN _agents AS a ON a.service_name = r.service_name
      WHERE r.id = old.resource AND a.agent_name = ifnull(old.agent_name, '')
    )
    AND session = (SELECT p.session FROM _trace_sessions AS p WHERE p.id = old.trace_session);
  INSERT INTO _agent_sessions (agent, session, calls)
  SELECT a.id, p.session, 1
  FROM _resources AS r
  JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(new.agent_name, '')
  JOIN _trace_sessions AS p ON p.id = new.trace_session
  WHERE r.id = new.resource AND p.session IS NOT NULL
  ON CONFLICT (agent, session) DO UPDATE SET calls = calls + 1;
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

-- What most files have few of.
CREATE INDEX _events_security ON _events (time_unix_nano) WHERE name >= 'security.' AND name < 'security/';
CREATE INDEX _events_framework ON _events (time_unix_nano) WHERE name >= 'framework.' AND name < 'framework/';

CREATE VIEW agents AS
-- One row an agent: what made calls of models under one service and one agent name (gen_ai.agent.name; NULL: calls that
-- name none, nor does their resource). agent_id and version are those that its spans or its resource name (gen_ai.agent.id, gen_ai.agent.version,
-- else service.version), the greatest of several. Calls and tokens are those of counted calls.
SELECT
  a.agent_id,
  coalesce(nullif(a.agent_name, ''), a.resource_agent_name) AS agent_name,
  a.service_name,
  a.version,
  strftime('%Y-%m-%dT%H:%M:%S', a.first_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.first_seen_unix_nano / 1000 % 1000000) AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%S', a.last_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.last_seen_unix_nano / 1000 % 1000000) AS last_seen,
  a.first_seen_unix_nano AS start_time_unix_nano,
  a.last_seen_unix_nano AS end_time_unix_nano,
  (SELECT count(*) FROM _agent_sessions AS x WHERE x.agent = a.id AND x.calls > 0) AS sessions,
  a.calls AS llm_calls,
  iif(a.reports > 0, a.input_tokens, NULL) AS input_tokens,
  iif(a.reports > 0, a.output_tokens, NULL) AS output_tokens,
  iif(a.reports > 0, a.total_tokens, NULL) AS total_tokens
FROM _agents AS a
WHERE a.rows > 0;

CREATE VIEW security_alerts AS
-- One row an alert: a span event or log record whose name begins with security. (such as security.content.suspicious).
-- trace_id and span_id are of the call that it warns of, which may come after it: span_id is that of
-- complete_llm_interactions and complete_tool_interactions, calls how many of those there are.
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(coalesce(e.attributes, l.attributes) ->> '$."security.alert_level"', coalesce(e.attributes, l.attributes) ->> '$."security.severity"') AS alert_level,
  coalesce(e.attributes, l.attributes) ->> '$."security.category"' AS category,
  coalesce(e.attributes, l.attributes) ->> '$."security.description"' AS description,
  coalesce(e.attributes, l.attributes) ->> '$."security.keywords"' AS keywords,
  (
    SELECT count(*) FROM _spans AS q JOIN _llm_interactions AS i ON i.span = q.id
    WHERE q.trace = p.trace AND q.span_id = coalesce(s.span_id, l.span_id) AND i.is_hidden = 0
  ) + (
    SELECT count(*) FROM _logs AS m JOIN _events AS f ON f.log = m.id JOIN _llm_interactions AS i ON i.event = f.id
    WHERE m.trace = p.trace AND m.span_id = coalesce(s.span_id, l.span_id) AND i.span IS NULL AND i.is_hidden = 0
  ) AS calls,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'security.' AND e.name < 'security/';

CREATE VIEW framework_events AS
-- One row an event of a framework: a span event or log record whose name begins with framework. (such as framework.patch).
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.name"' AS framework_name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.version"' AS framework_version,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'framework.' AND e.name < 'framework/';
