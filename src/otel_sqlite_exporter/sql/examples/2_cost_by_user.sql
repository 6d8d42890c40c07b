-- Calls, tokens and cost by user.
SELECT user_id, count(*) AS calls, total(total_tokens) AS tokens, total(cost_usd) AS cost_usd
FROM complete_llm_interactions
WHERE counted
GROUP BY user_id
ORDER BY cost_usd DESC;
