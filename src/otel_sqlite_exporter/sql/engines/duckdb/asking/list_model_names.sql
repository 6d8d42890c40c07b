-- The names of models that calls have. View: _llm_interactions.
SELECT DISTINCT i.request_model, i.response_model
FROM _llm_interactions AS i;
