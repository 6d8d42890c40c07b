-- Notes which session and user traces show. :traces is [[trace, name of the session, rank, is_child, time, source, smallest
-- rank of an entry span, user, rank, is_child, time, source], ...], null where there is none.
INSERT INTO _sessions (id, session_id)
SELECT
  max(
    (SELECT coalesce(max(x.id), 0) FROM _sessions AS x),
    ifnull((SELECT x.value ->> '_sessions' FROM _state AS x WHERE x.name = 'last ids'), 0)
  ) + row_number() OVER (),
  n.session_id
FROM (SELECT DISTINCT w.value ->> 1 AS session_id FROM json_each(:traces) AS w WHERE w.value ->> 1 IS NOT NULL) AS n
WHERE NOT EXISTS (SELECT 1 FROM _sessions AS x WHERE x.session_id = n.session_id);
UPDATE _traces
SET
  session = (SELECT x.id FROM _sessions AS x WHERE x.session_id = w.value ->> 1),
  session_rank = w.value ->> 2, session_is_child = w.value ->> 3, session_time_unix_nano = w.value ->> 4,
  session_source = w.value ->> 5, entry_session_rank = w.value ->> 6,
  user_id = w.value ->> 7, user_rank = w.value ->> 8, user_is_child = w.value ->> 9, user_time_unix_nano = w.value ->> 10,
  user_source = w.value ->> 11
FROM json_each(:traces) AS w
WHERE _traces.id = w.value ->> 0;
