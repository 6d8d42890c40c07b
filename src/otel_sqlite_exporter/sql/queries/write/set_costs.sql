-- Notes what calls cost. :costs is [[id of _llm_interactions, US dollars, status, source of the price, its date], ...], null
-- where there is none.
UPDATE _llm_interactions
SET
  cost_usd = w.value ->> 1,
  cost_status = w.value ->> 2,
  price_source = w.value ->> 3,
  price_date = w.value ->> 4
FROM json_each(:costs) AS w
WHERE _llm_interactions.id = w.value ->> 0;
