-- All resources, scopes and reporters, as JSON arrays of ids.
SELECT
  (SELECT json_group_array(r.id) FROM _resources AS r) AS resources,
  (SELECT json_group_array(c.id) FROM _scopes AS c) AS scopes,
  (SELECT json_group_array(r.id) FROM _reporters AS r) AS reporters;
