-- The last id that a record of the view events has or had (write/removal/used_ids.py).
SELECT max(
  (SELECT coalesce(max(s.id), 0) FROM _spans AS s),
  (SELECT coalesce(max(s.finish_record), 0) FROM _spans AS s WHERE s.finish_record IS NOT NULL),
  (SELECT coalesce(max(e.id), 0) FROM _events AS e),
  ifnull((SELECT x.value ->> 'records' FROM _state AS x WHERE x.name = 'last ids'), 0)
);
