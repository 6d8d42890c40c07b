-- The last id of spans, and the last that log records have or had (write/removal/used_ids.py); 0: there are none.
SELECT (SELECT coalesce(max(id), 0) FROM _spans), max(
  (SELECT coalesce(max(id), 0) FROM _logs),
  ifnull((SELECT x.value ->> '_logs' FROM _state AS x WHERE x.name = 'last ids'), 0)
);
