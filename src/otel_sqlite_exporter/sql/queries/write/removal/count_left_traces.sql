-- How many of some real traces and sessions are in the file: :traces and :sessions are arrays of ids.
SELECT
  (
    SELECT count(*)
    FROM json_each(:traces) AS w
    CROSS JOIN _traces AS t ON t.id = w.value
    WHERE iif(t.trace_id = '', 0, t.id) > 0
  ) AS traces,
  (SELECT count(*) FROM json_each(:sessions) AS w CROSS JOIN _sessions AS x ON x.id = w.value) AS sessions;
