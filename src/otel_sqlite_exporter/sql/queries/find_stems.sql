-- The stems of records that may pair by time which hang on some rows of _trace_sessions, as one JSON array of
-- [trace, session or null, stem, time of the earliest]. :trace_sessions is an array of ids.
SELECT json_group_array(json_array(g.trace, g.session, g.stem, g.time_unix_nano))
FROM (
  SELECT p.trace, p.session, e.stem, min(e.time_unix_nano) AS time_unix_nano
  FROM json_each(:trace_sessions) AS w
  JOIN _trace_sessions AS p ON p.id = w.value
  JOIN _events AS e ON e.trace_session = p.id AND e.stem IS NOT NULL
  GROUP BY p.trace, p.session, e.stem
) AS g;
