-- The start of the span before the newest :spans spans; no row: there is none.
-- Plan: an index of the times alone.
SELECT s.start_time_unix_nano
FROM _spans AS s
ORDER BY s.start_time_unix_nano DESC
LIMIT 1 OFFSET :spans;
