CREATE OR REPLACE VIEW _agent_types AS
-- One row for each kind of a measure that agent_usage calls otherwise than the metric does. value is what the attribute at
-- type_path says, NULL where there is none. Two rows of a value: it is a part of both, as cached tokens are of those of
-- the input, by the rule of complete_llm_interactions. The type - is left out: it repeats others, or is no model call.
-- Private.
SELECT v.name, v.value, v.type
FROM (
  VALUES
    ('claude_code.token.usage', 'input', 'input_tokens'),
    ('claude_code.token.usage', 'output', 'output_tokens'),
    ('claude_code.token.usage', 'cacheRead', 'input_tokens'),
    ('claude_code.token.usage', 'cacheRead', 'cached_input_tokens'),
    ('claude_code.token.usage', 'cacheCreation', 'input_tokens'),
    ('claude_code.token.usage', 'cacheCreation', 'cache_creation_input_tokens'),
    ('codex.turn.token_usage', 'input', 'input_tokens'),
    ('codex.turn.token_usage', 'cached_input', 'cached_input_tokens'),
    ('codex.turn.token_usage', 'cache_write_input', 'cache_creation_input_tokens'),
    ('codex.turn.token_usage', 'non_cached_input', '-'),
    ('codex.turn.token_usage', 'output', 'output_tokens'),
    ('codex.turn.token_usage', 'reasoning_output', 'reasoning_tokens'),
    ('codex.turn.token_usage', 'total', '-'),
    ('codex.turn.e2e_duration_ms', NULL, 'cli'),
    ('gemini_cli.token.usage', 'input', 'input_tokens'),
    ('gemini_cli.token.usage', 'cache', 'cached_input_tokens'),
    ('gemini_cli.token.usage', 'output', 'output_tokens'),
    ('gemini_cli.token.usage', 'thought', 'output_tokens'),
    ('gemini_cli.token.usage', 'thought', 'reasoning_tokens'),
    ('qwen-code.token.usage', 'input', 'input_tokens'),
    ('qwen-code.token.usage', 'cache', 'cached_input_tokens'),
    ('qwen-code.token.usage', 'output', 'output_tokens'),
    ('qwen-code.token.usage', 'thought', 'reasoning_tokens'),
    ('github.copilot.code.lines_added', NULL, 'added'),
    ('github.copilot.code.lines_removed', NULL, 'removed'),
    ('copilot_chat.edit.acceptance.count', 'accepted', 'accept'),
    ('copilot_chat.edit.acceptance.count', 'rejected', 'reject'),
    ('gen_ai.client.inference.usage.input_tokens', NULL, 'input_tokens'),
    ('gen_ai.client.inference.usage.output_tokens', NULL, 'output_tokens'),
    ('gen_ai.client.inference.usage.cache_read.input_tokens', NULL, 'cached_input_tokens'),
    ('gen_ai.client.inference.usage.cache_write.input_tokens', NULL, 'cache_creation_input_tokens'),
    ('gen_ai.client.inference.usage.reasoning.output_tokens', NULL, 'reasoning_tokens'),
    ('gen_ai.client.token.usage', 'input', 'input_tokens'),
    ('gen_ai.client.token.usage', 'output', 'output_tokens'),
    ('gen_ai.client.token.usage', 'completion', 'output_tokens'),
    ('gen_ai.client.operation.duration', 'create_agent', '-'),
    ('gen_ai.client.operation.duration', 'execute_tool', '-'),
    ('gen_ai.client.operation.duration', 'invoke_agent', '-'),
    ('gen_ai.client.operation.duration', 'invoke_workflow', '-'),
    ('gen_ai.client.operation.duration', 'plan', '-'),
    ('gen_ai.client.operation.duration', 'retrieval', '-')
) AS v(name, value, type);
