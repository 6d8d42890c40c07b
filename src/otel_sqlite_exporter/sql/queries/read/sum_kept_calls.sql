-- The calls of the days from :since until before :until whose daily sums are kept, how many of these failed, and how many name no
-- user.
SELECT
  ifnull(sum(calls), 0) AS calls,
  ifnull(sum(failed_calls), 0) AS failed_calls,
  ifnull(sum(calls) FILTER (WHERE user_id IS NULL), 0) AS unnamed_calls
FROM kept_usage
WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until;
