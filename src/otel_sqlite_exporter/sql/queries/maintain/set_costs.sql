-- Notes what calls cost. :costs is [[id of _llm_interactions, US dollars or null, status], ...].
UPDATE _llm_interactions
SET
  cost_usd = w.value ->> 1,
  cost_status = w.value ->> 2,
  price_source = :price_source,
  price_date = :price_date
FROM json_each(:costs) AS w
WHERE _llm_interactions.id = w.value ->> 0;
