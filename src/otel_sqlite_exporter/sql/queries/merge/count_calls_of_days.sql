-- How many counted calls a file holds of these :days (JSON).
SELECT u.day, sum(u.counted)
FROM _call_usage AS u
WHERE u.day IN (SELECT j.value FROM json_each(:days) AS j)
GROUP BY u.day;
