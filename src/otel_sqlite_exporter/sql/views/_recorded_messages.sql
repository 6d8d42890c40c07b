CREATE VIEW _recorded_messages AS
-- One row a message that an event of a span, or a log record, tells under the names that the GenAI conventions had for it
-- up to version 1.36. message has the shape of their messages schema; blocks of a kind that is unknown here stay as they
-- are. Where content is not stored, a role may be all that is left: message is NULL. event is
-- the row of _events, ordinal its place in its span, log the log record. Private: complete_llm_interactions reads it.
-- LIMIT 1 keeps SQLite from putting each step's expressions into those of the next, as often as these name them: to
-- prepare a query of the calls took 7 ms.
SELECT
  e.id AS event,
  e.log,
  e.ordinal,
  e.time_unix_nano,
  e.name IN ('gen_ai.choice', 'gen_ai.content.completion') AS is_output,
  (
    SELECT iif(joined.parts = '[]', NULL, json_remove(
      json_object('role', joined.role, 'parts', json(joined.parts), 'finish_reason', joined.finish_reason),
      iif(joined.finish_reason IS NULL, '$.finish_reason', '$.none')
    ))
    FROM (
      SELECT
        split.role,
        split.finish_reason,
        (
          SELECT json_group_array(json(parts.part))
          FROM (
            SELECT CASE
              WHEN b.type <> 'object' THEN json_object('type', 'text', 'content', b.value || '')
              WHEN b.value ->> '$.thought' = 1 THEN json_object('type', 'reasoning', 'content', b.value ->> '$.text')
              WHEN b.value ->> '$.text' IS NOT NULL AND coalesce(b.value ->> '$.type', 'text') IN ('text', 'input_text', 'output_text')
                THEN json_object('type', 'text', 'content', b.value ->> '$.text')
              WHEN b.value ->> '$.type' = 'thinking'
                THEN json_object('type', 'reasoning', 'content', coalesce(b.value ->> '$.thinking', b.value ->> '$.content'))
              WHEN b.value -> '$.reasoningContent' IS NOT NULL
                THEN json_object('type', 'reasoning', 'content', b.value ->> '$.reasoningContent.reasoningText.text')
              WHEN b.value ->> '$.type' = 'tool_use'
                THEN json_object('type', 'tool_call', 'id', b.value ->> '$.id', 'name', b.value ->> '$.name', 'arguments', b.value -> '$.input')
              WHEN b.value -> '$.toolUse' IS NOT NULL
                THEN json_object('type', 'tool_call', 'id', b.value ->> '$.toolUse.toolUseId', 'name', b.value ->> '$.toolUse.name', 'arguments', b.value -> '$.toolUse.input')
              WHEN b.value -> '$.function_call' IS NOT NULL
                THEN json_object('type', 'tool_call', 'id', b.value ->> '$.function_call.id', 'name', b.value ->> '$.function_call.name', 'arguments', b.value -> '$.function_call.args')
              WHEN b.value ->> '$.type' = 'tool_result'
                THEN json_object('type', 'tool_call_response', 'id', b.value ->> '$.tool_use_id', 'response', json(iif(json_array_length(b.value, '$.content') = 1, coalesce(b.value -> '$.content[0].text', b.value -> '$.content'), b.value -> '$.content')))
              WHEN b.value -> '$.toolResult' IS NOT NULL
                THEN json_object('type', 'tool_call_response', 'id', b.value ->> '$.toolResult.toolUseId', 'response', json(iif(json_array_length(b.value, '$.toolResult.content') = 1, coalesce(b.value -> '$.toolResult.content[0].text', b.value -> '$.toolResult.content'), b.value -> '$.toolResult.content')))
              WHEN b.value -> '$.function_response' IS NOT NULL
                THEN json_object('type', 'tool_call_response', 'id', b.value ->> '$.function_response.id', 'response', b.value -> '$.function_response.response')
              WHEN b.value ->> '$.type' IS NOT NULL THEN b.value
              ELSE json_object('type', 'text', 'content', b.value || '')
            END AS part
            FROM json_each(split.blocks) AS b
            WHERE b.type <> 'null' AND b.value <> ''
            UNION ALL
            SELECT json_object(
              'type', 'tool_call',
              'id', k.value ->> '$.id',
              'name', coalesce(k.value ->> '$.function.name', k.value ->> '$.name'),
              'arguments', json(coalesce(
                iif(json_valid(k.value ->> '$.function.arguments'), k.value ->> '$.function.arguments', k.value -> '$.function.arguments'),
                iif(json_valid(k.value ->> '$.arguments'), k.value ->> '$.arguments', k.value -> '$.arguments')
              ))
            )
            FROM json_each(split.calls) AS k
            WHERE k.type = 'object'
          ) AS parts
        ) AS parts
      FROM (
        SELECT
          opened.finish_reason,
          CASE opened.name
            WHEN 'gen_ai.tool.message' THEN 'tool'
            WHEN 'gen_ai.system.message' THEN coalesce(opened.role, 'system')
            WHEN 'gen_ai.assistant.message' THEN coalesce(opened.role, 'assistant')
            ELSE coalesce(nullif(opened.role, 'model'), iif(opened.is_output, 'assistant', 'user'))
          END AS role,
          CASE
            WHEN opened.name = 'gen_ai.tool.message' AND json_type(opened.told, '$[0].toolResult') IS NULL
              THEN json_array(json_object('type', 'tool_call_response', 'id', opened.id, 'response', json(opened.content)))
            WHEN json_type(opened.told, '$[0]') = 'object' THEN opened.told
            WHEN json_type(opened.content) = 'array' THEN opened.content
            WHEN json_type(opened.content, '$.parts') = 'array' THEN opened.content -> '$.parts'
            ELSE json_array(json(opened.content))
          END AS blocks,
          CASE
            WHEN json_type(opened.calls) = 'array' THEN opened.calls
            WHEN json_type(opened.calls) = 'text' AND json_valid(opened.calls ->> '$') THEN opened.calls ->> '$'
            ELSE '[]'
          END AS calls
        FROM (
          SELECT
            record.*,
            CASE WHEN json_type(record.content) = 'text' AND json_valid(record.content ->> '$') THEN record.content ->> '$' ELSE record.content END AS told
          FROM (
            SELECT
              e.name,
              e.name IN ('gen_ai.choice', 'gen_ai.content.completion') AS is_output,
              coalesce(v.value ->> '$.message.role', v.value ->> '$.role') AS role,
              CASE json_type(v.value, '$.message')
                WHEN 'object' THEN v.value -> '$.message.content'
                WHEN 'text' THEN v.value -> '$.message'
                WHEN 'array' THEN v.value -> '$.message'
                ELSE v.value -> '$.content'
              END AS content,
              coalesce(v.value -> '$.message.tool_calls', v.value -> '$.tool_calls') AS calls,
              coalesce(v.value ->> '$.id', v.value ->> '$.tool_call_id') AS id,
              v.value ->> '$.finish_reason' AS finish_reason
            LIMIT 1
          ) AS record
          LIMIT 1
        ) AS opened
        LIMIT 1
      ) AS split
      LIMIT 1
    ) AS joined
  ) AS message
FROM _events AS e
LEFT JOIN _logs AS l ON l.id = e.log
JOIN json_each(
  CASE
    WHEN e.name LIKE 'gen_ai.content.%' AND coalesce(e.attributes, l.attributes) ->> iif(e.name = 'gen_ai.content.prompt', '$."gen_ai.prompt"', '$."gen_ai.completion"') IS NOT NULL
      THEN (
        SELECT CASE WHEN iif(json_valid(told.text), json_type(told.text, '$[0].role'), '') = 'text' THEN told.text ELSE json_array(json_object('content', told.text)) END
        FROM (SELECT coalesce(e.attributes, l.attributes) ->> iif(e.name = 'gen_ai.content.prompt', '$."gen_ai.prompt"', '$."gen_ai.completion"') AS text) AS told
      )
    WHEN json_type(l.body) = 'object' THEN json_array(json(l.body))
    WHEN json_type(l.body) <> 'null' THEN json_array(json_object('content', json(l.body)))
    ELSE (
      SELECT json_array(CASE WHEN told.text IS NULL THEN json(coalesce(e.attributes, l.attributes)) WHEN iif(json_valid(told.text), json_type(told.text), '') = 'object' THEN json(told.text) ELSE json_object('content', told.text) END)
      FROM (SELECT coalesce(e.attributes, l.attributes) ->> '$."gen_ai.event.content"' AS text) AS told
    )
  END
) AS v
WHERE v.type = 'object' AND e.name IN (
  'gen_ai.system.message', 'gen_ai.user.message', 'gen_ai.assistant.message', 'gen_ai.tool.message', 'gen_ai.choice',
  'gen_ai.content.prompt', 'gen_ai.content.completion'
);
