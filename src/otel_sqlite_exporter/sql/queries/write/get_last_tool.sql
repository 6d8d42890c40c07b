-- The last id that a row of _tool_interactions has or had (write/removal/used_ids.py).
SELECT max(
  (SELECT coalesce(max(id), 0) FROM _tool_interactions),
  ifnull((SELECT x.value ->> '_tool_interactions' FROM _state AS x WHERE x.name = 'last ids'), 0)
);
