-- Gives a call the cost that it had, or none.
UPDATE _llm_interactions
SET cost_usd = :cost_usd, cost_status = :cost_status, price_source = :price_source, price_date = :price_date
WHERE id = :id;
