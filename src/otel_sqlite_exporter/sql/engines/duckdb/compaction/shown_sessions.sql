-- The sessions that records of a shared trace may show when its parts are put together: those that any part shows or names.
CREATE OR REPLACE TABLE shown AS
SELECT DISTINCT w.unit, w.session_id
FROM (
  SELECT p.unit, unnest([p.session_id, p.own_session_id]) AS session_id
  FROM _trace_sessions AS p
  SEMI JOIN shared AS s ON s.unit = p.unit
) AS w
WHERE w.session_id IS NOT NULL;
