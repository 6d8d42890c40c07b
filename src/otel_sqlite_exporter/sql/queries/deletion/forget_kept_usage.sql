-- Removes the kept sums of :users (NULL: of all) and of :services (likewise), of days that lie in a range of time.
DELETE FROM _kept_usage
WHERE (:users IS NULL OR user_id IN (SELECT n.value FROM json_each(:users) AS n))
  AND (:services IS NULL OR service_name IN (SELECT n.value FROM json_each(:services) AS n))
  AND day >= :first_day AND day < :end_day;
