-- Notes that series have points as they came before the time up to which they have one an hour. :copied is an array of [series, first
-- time].
UPDATE _metric_series AS m
SET copied_since_unix_nano = min(w.value ->> 1, ifnull(m.copied_since_unix_nano, m.hourly_until_unix_nano))
FROM json_each(:copied) AS w
WHERE m.id = w.value ->> 0;
