-- The ids of log records of some times, up to the id :last. :times is an array of times.
SELECT l.id
FROM json_each(:times) AS w
CROSS JOIN _logs AS l ON l.time_unix_nano = w.value AND l.id <= :last;
