-- The number of spans from :since on, in nanoseconds since 1970, but at most :most.
-- Plan: a range of the index of starts.
SELECT count(*) AS spans
FROM (
  SELECT 1
  FROM _spans AS s
  WHERE s.start_time_unix_nano >= :since
  LIMIT :most
);
