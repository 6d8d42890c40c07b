-- Notes which calls count. :counts is [[id of _llm_interactions, is_repeat, is_duplicate], ...].
UPDATE _llm_interactions
SET is_repeat = w.value ->> 1, is_duplicate = w.value ->> 2
FROM json_each(:counts) AS w
WHERE _llm_interactions.id = w.value ->> 0;
