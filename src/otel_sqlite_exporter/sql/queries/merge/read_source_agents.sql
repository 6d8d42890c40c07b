-- What describes the agents of a file: also what a version of a span said that the file did not keep.
SELECT
  a.service_name, a.agent_name, a.resource_agent_name, a.agent_id, a.version, a.first_seen_unix_nano,
  a.last_seen_unix_nano
FROM _agents AS a;
