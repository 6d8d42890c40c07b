-- Of the oldest :most requests, forgets those that are older than :kept_ns; one that seems to come from later than that
-- is of before a clock was set back.
DELETE FROM _requests AS r
WHERE r.id IN (SELECT o.id FROM _requests AS o WHERE o.id > 0 ORDER BY o.id LIMIT :most)
  AND r.time_unix_nano NOT BETWEEN :now - :kept_ns AND :now + :kept_ns;
