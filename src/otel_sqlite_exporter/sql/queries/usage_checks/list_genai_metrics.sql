-- The histograms of the semantic conventions for generative AI, and those of agents that say how long a model takes.
SELECT DISTINCT i.name
FROM _instruments AS i
WHERE i.name >= 'gen_ai.' AND i.name < 'gen_ai/' AND i.kind IN ('histogram', 'exponential_histogram')
UNION
SELECT i.name
FROM _instruments AS i
WHERE i.name IN (
    'codex.api_request.duration_ms', 'codex.turn.e2e_duration_ms', 'codex.turn.ttfm.duration_ms', 'codex.turn.ttft.duration_ms',
    'copilot_chat.time_to_first_token', 'gemini_cli.api.request.latency', 'qwen-code.api.request.latency'
  )
  AND i.kind IN ('histogram', 'exponential_histogram')
ORDER BY 1
