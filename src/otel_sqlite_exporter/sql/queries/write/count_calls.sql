-- Notes which calls count, and what those of several records show of each. :repeats is [[id of _llm_interactions, is_repeat],
-- ...]; :calls is [[id, id of the row that counts or null, id of the row whose messages it shows or null, facts of its own
-- as JSON or null, {column: value, ...}, {column: id of the row that has its value or null, ...}], ...]. The last are REAL:
-- they are copied, because SQLite writes and reads 15 digits of a number in JSON.
UPDATE _llm_interactions
SET is_repeat = w.value ->> 1
FROM json_each(:repeats) AS w
WHERE _llm_interactions.id = w.value ->> 0;
UPDATE _llm_interactions
SET
  twin = w.value ->> 1,
  content_of = w.value ->> 2,
  own_facts = w.value ->> 3,
  operation = w.value ->> '$[4].operation',
  provider = w.value ->> '$[4].provider',
  request_model = w.value ->> '$[4].request_model',
  response_model = w.value ->> '$[4].response_model',
  response_id = w.value ->> '$[4].response_id',
  user_id = w.value ->> '$[4].user_id',
  finish_reasons = w.value ->> '$[4].finish_reasons',
  error_type = w.value ->> '$[4].error_type',
  time_to_first_token_ms = (
    SELECT c.time_to_first_token_ms FROM _llm_interactions AS c WHERE c.id = w.value ->> '$[5].time_to_first_token_ms'
  ),
  input_tokens = w.value ->> '$[4].input_tokens',
  output_tokens = w.value ->> '$[4].output_tokens',
  total_tokens = w.value ->> '$[4].total_tokens',
  cached_input_tokens = w.value ->> '$[4].cached_input_tokens',
  cache_creation_input_tokens = w.value ->> '$[4].cache_creation_input_tokens',
  reasoning_tokens = w.value ->> '$[4].reasoning_tokens',
  (cost_usd, cost_status, price_source, price_date) = (
    -- A computed cost stays, unless one is reported; a trigger removes it if it is outdated.
    SELECT c.cost_usd, 'reported', NULL, NULL
    FROM _llm_interactions AS c
    WHERE c.id = w.value ->> '$[5].cost_usd'
    UNION ALL
    SELECT _llm_interactions.cost_usd, _llm_interactions.cost_status, _llm_interactions.price_source, _llm_interactions.price_date
    WHERE w.value ->> '$[5].cost_usd' IS NULL AND _llm_interactions.cost_status <> 'reported'
  )
FROM json_each(:calls) AS w
WHERE _llm_interactions.id = w.value ->> 0;
