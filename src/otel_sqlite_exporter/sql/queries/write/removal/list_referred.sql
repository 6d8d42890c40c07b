-- All resources, scopes and reporters, as JSON arrays of ids, but for those that series of metrics and their instruments refer to.
SELECT
  (
    SELECT json_group_array(r.id) FROM _resources AS r
    WHERE NOT EXISTS (SELECT 1 FROM _metric_series AS m WHERE m.resource = r.id)
  ) AS resources,
  (
    SELECT json_group_array(c.id) FROM _scopes AS c
    WHERE c.id NOT IN (SELECT i.scope FROM _instruments AS i WHERE i.scope IS NOT NULL)
  ) AS scopes,
  (SELECT json_group_array(r.id) FROM _reporters AS r) AS reporters;
