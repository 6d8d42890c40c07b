-- The ids of _events of log records that report calls of models, as a JSON array. :logs is an array of ids of _logs.
SELECT json_group_array(e.id)
FROM json_each(:logs) AS w
CROSS JOIN _events AS e ON e.log = w.value
CROSS JOIN _llm_interactions AS i ON i.event = e.id;
