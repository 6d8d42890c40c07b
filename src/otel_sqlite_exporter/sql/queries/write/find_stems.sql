-- The stems of records that may pair by time, of some rows of _trace_sessions, spans or log records, as one JSON array of
-- [trace, session or null, stem, time of the earliest]. :trace_sessions, :spans and :logs are arrays of ids.
SELECT json_group_array(json_array(g.trace, g.session, g.stem, g.time_unix_nano))
FROM (
  SELECT p.trace, p.session, e.stem, min(e.time_unix_nano) AS time_unix_nano
  FROM (
    SELECT f.id
    FROM json_each(:trace_sessions) AS w
    JOIN _events AS f ON f.trace_session = w.value AND f.stem IS NOT NULL
    UNION
    SELECT f.id
    FROM json_each(:spans) AS w
    JOIN _events AS f ON f.span = w.value AND f.stem IS NOT NULL
    UNION
    SELECT f.id
    FROM json_each(:logs) AS w
    JOIN _events AS f ON f.log = w.value AND f.stem IS NOT NULL
  ) AS found
  JOIN _events AS e ON e.id = found.id
  JOIN _trace_sessions AS p ON p.id = e.trace_session
  GROUP BY p.trace, p.session, e.stem
) AS g;
