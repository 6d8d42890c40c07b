-- Removes the kept sums of usage of what the file :source removed, of these :days (JSON).
DELETE FROM _kept_usage
WHERE source = :source AND day IN (SELECT j.value FROM json_each(:days) AS j);
