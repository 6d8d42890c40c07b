-- The texts that are of no conversation and of no messages, as a JSON array of ids: those of spans that were written before
-- version 14 of the schema.
SELECT json_group_array(t.id)
FROM _texts AS t
WHERE t.conversation IS NULL
  AND NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.prompt = t.id AND m.prompt > 0)
  AND NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.completion = t.id AND m.completion > 0)
  AND NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.system_instructions = t.id AND m.system_instructions > 0);
