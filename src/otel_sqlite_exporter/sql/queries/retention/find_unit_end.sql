-- When a session, or a trace without a session, ended; no row: it is gone.
SELECT iif(:kind = 'session',
  (SELECT x.end_time_unix_nano FROM _sessions AS x WHERE x.id = :id),
  (SELECT t.end_time_unix_nano FROM _traces AS t WHERE t.id = :id AND t.session IS NULL)
) AS end_time_unix_nano;
