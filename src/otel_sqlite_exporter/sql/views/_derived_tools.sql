CREATE VIEW _derived_tools AS
-- One row a telling of a tool execution, with what was derived from its record: a JSON array of the event, is_request and
-- the columns of ToolInteractionRow. User, agent and dialect of a call that a log record asks for are those of its span.
-- Private.
SELECT
  i.id,
  i.span,
  i.event,
  i.start_event,
  i.is_request,
  json_array(
    i.event, i.is_request,
    iif(json_type(i.own_facts, '$.tool_name') IS NULL, i.tool_name, i.own_facts ->> '$.tool_name'),
    iif(json_type(i.own_facts, '$.tool_call_id') IS NULL, i.tool_call_id, i.own_facts ->> '$.tool_call_id'),
    iif(json_type(i.own_facts, '$.tool_type') IS NULL, i.tool_type, i.own_facts ->> '$.tool_type'),
    iif(json_type(i.own_facts, '$.user_id') IS NULL, i.user_id, i.own_facts ->> '$.user_id'),
    iif(json_type(i.own_facts, '$.agent_name') IS NULL, i.agent_name, i.own_facts ->> '$.agent_name'),
    iif(json_type(i.own_facts, '$.error_type') IS NULL, i.error_type, i.own_facts ->> '$.error_type'),
    i.dialect,
    iif(json_type(i.own_facts, '$.arguments') IS NULL, i.arguments, i.own_facts ->> '$.arguments'),
    iif(json_type(i.own_facts, '$.result') IS NULL, i.result, i.own_facts ->> '$.result'),
    iif(i.duration_ms IS NULL, NULL, json(printf('%!.17g', i.duration_ms))),
    iif(json_type(i.own_facts, '$.waiting_ms') IS NOT NULL, i.own_facts ->> '$.waiting_ms', iif(i.waiting_ms IS NULL, NULL, json(printf('%!.17g', i.waiting_ms))))
  ) AS columns
FROM _tool_interactions AS i;
