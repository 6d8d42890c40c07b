-- What a part of the file refers to, as JSON arrays: resources and scopes of spans and log records, reporters of calls, texts of
-- spans. Then the last ids of these spans, log records and calls; null: there are no more. :span, :log and :call are the last
-- ids before, :limit how many of each are read.
WITH
  spans AS MATERIALIZED (
    SELECT s.id, s.resource, s.scope, s.texts FROM _spans AS s WHERE s.id > :span ORDER BY s.id LIMIT :limit
  ),
  logs AS MATERIALIZED (
    SELECT l.id, l.resource, l.scope FROM _logs AS l WHERE l.id > :log ORDER BY l.id LIMIT :limit
  ),
  calls AS MATERIALIZED (
    SELECT i.id, i.reporter, i.resource FROM _llm_interactions AS i WHERE i.id > :call ORDER BY i.id LIMIT :limit
  )
SELECT
  (
    SELECT json_group_array(resource)
    FROM (SELECT resource FROM spans UNION SELECT resource FROM logs UNION SELECT resource FROM calls)
  ) AS resources,
  (
    SELECT json_group_array(scope)
    FROM (SELECT scope FROM spans WHERE scope IS NOT NULL UNION SELECT scope FROM logs WHERE scope IS NOT NULL)
  ) AS scopes,
  (SELECT json_group_array(reporter) FROM (SELECT DISTINCT reporter FROM calls)) AS reporters,
  (
    SELECT json_group_array(DISTINCT j.value)
    FROM spans AS s
    CROSS JOIN json_tree(s.texts) AS j
    WHERE j.path GLOB '$[[]*[[]2]'
  ) AS texts,
  (SELECT max(id) FROM spans) AS last_span,
  (SELECT max(id) FROM logs) AS last_log,
  (SELECT max(id) FROM calls) AS last_call;
