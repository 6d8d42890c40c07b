-- Those of :keys, an array of call keys, that rows of the file have near in time (a step of time is 1048576): a JSON array.
SELECT json_group_array(k.value)
FROM json_each(:keys) AS k
WHERE
  EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.call_key IN (k.value - 1048576, k.value, k.value + 1048576))
  OR EXISTS (SELECT 1 FROM _tool_results AS r WHERE r.call_key IN (k.value - 1048576, k.value, k.value + 1048576));
