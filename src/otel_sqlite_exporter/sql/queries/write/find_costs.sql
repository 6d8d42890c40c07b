-- What the calls of some records cost, and what they are priced by (PricedCall); also the calls whose start is among
-- these records. :spans is an array of ids of _spans, :logs of ids of _logs, :events of ids of _events, :calls of ids of
-- _llm_interactions. is_own: the call is of one of these records. is_due: it is shown, and has ended
-- (rows of _open_spans come after this, at the end of a batch).
WITH
  events (id) AS MATERIALIZED (
    SELECT e.id FROM json_each(:spans) AS w CROSS JOIN _events AS e ON e.span = w.value
    UNION ALL
    SELECT e.id FROM json_each(:logs) AS w CROSS JOIN _events AS e ON e.log = w.value
    UNION ALL
    SELECT w.value FROM json_each(:events) AS w
  ),
  own (id) AS MATERIALIZED (
    SELECT i.id FROM json_each(:spans) AS w CROSS JOIN _llm_interactions AS i ON i.span = w.value
    UNION
    SELECT i.id FROM events AS e CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  chosen (id) AS MATERIALIZED (
    SELECT id FROM own
    UNION
    SELECT i.id FROM events AS e CROSS JOIN _llm_interactions AS i ON i.start_event = e.id
    UNION
    SELECT w.value FROM json_each(:calls) AS w
  )
SELECT
  i.id,
  i.id IN (SELECT o.id FROM own AS o) AS is_own,
  i.is_hidden = 0 AND s.end_time_source IS NOT 'open' AS is_due,
  i.cost_usd,
  i.cost_status,
  i.price_source,
  i.price_date,
  i.span,
  coalesce(i.provider, b.provider),
  coalesce(i.request_model, b.request_model),
  coalesce(i.response_model, b.response_model),
  coalesce(i.operation, b.operation),
  i.start_time_unix_nano,
  i.input_tokens,
  i.output_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.reasoning_tokens
FROM chosen AS c
CROSS JOIN _llm_interactions AS i ON i.id = c.id
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
ORDER BY i.id;
