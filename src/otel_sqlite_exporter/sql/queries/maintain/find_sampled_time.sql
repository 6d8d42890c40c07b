-- The start of the oldest of the newest :spans spans; no row: there are no more than these.
-- Plan: an index of the times alone.
SELECT s.start_time_unix_nano
FROM _spans AS s
ORDER BY s.start_time_unix_nano DESC
LIMIT 1 OFFSET :spans;
