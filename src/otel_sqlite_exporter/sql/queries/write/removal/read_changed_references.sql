-- What spans refer to that ended after the id :record, whenever they started, and series and instruments after the ids :series and
-- :instrument, as JSON arrays: their resources, scopes and texts, and the reporters of their calls.
WITH
  spans AS MATERIALIZED (SELECT s.id, s.resource, s.scope, s.texts FROM _spans AS s WHERE s.finish_record > :record)
SELECT
  (
    SELECT json_group_array(resource)
    FROM (SELECT resource FROM spans UNION ALL SELECT m.resource FROM _metric_series AS m WHERE m.id > :series)
  ) AS resources,
  (
    SELECT json_group_array(scope)
    FROM (SELECT scope FROM spans UNION ALL SELECT i.scope FROM _instruments AS i WHERE i.id > :instrument)
    WHERE scope IS NOT NULL
  ) AS scopes,
  (
    SELECT json_group_array(i.reporter) FROM spans AS s CROSS JOIN _llm_interactions AS i ON i.span = s.id
  ) AS reporters,
  (
    SELECT json_group_array(j.value)
    FROM spans AS s
    CROSS JOIN json_tree(s.texts) AS j
    WHERE j.path GLOB '$[[]*[[]2]'
  ) AS texts;
