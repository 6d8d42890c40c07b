CREATE VIEW _call_completions AS
-- One row a call, with its own completion, found as its prompt is (_call_prompts), but the last of records that hold the
-- whole. Private.
SELECT
  i.id,
  CASE
    WHEN i.completion = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"assistant","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.output.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.completion IS NOT NULL OR i.event IS NOT NULL THEN i.completion
    ELSE (
      SELECT coalesce(
        ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 0) || ']') ->> '$[#-1]',
        '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 1) || ']',
        ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 2) || ']') ->> '$[#-1]',
        '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 3) || ']'
      )
      FROM (
        SELECT q.source, iif(q.completion = 0, q.attributes ->> '$."gen_ai.output.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.completion)) AS text
        FROM _message_records AS q
        WHERE q.completion IS NOT NULL AND q.event IN (SELECT z.event FROM _span_records AS z WHERE z.span = i.span)
        ORDER BY q.position, q.rank, text
      ) AS recorded
    )
  END AS completion
FROM _llm_interactions AS i
LEFT JOIN _spans AS s ON s.id = i.span;
