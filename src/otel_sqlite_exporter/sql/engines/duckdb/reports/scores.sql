-- The scores by one or two groups: their number, how many have a value, the mean and the spread of the values, how
-- often each label was given, and how many say that nothing could be judged (errors). model is that of the call that is
-- judged. Means of scores with different names say little, so name is the first group. Plan: one pass over the scores
-- of the range.
WITH
  given AS (
    SELECT
      CASE :group_1
        WHEN 'name' THEN name
        WHEN 'label' THEN label
        WHEN 'model' THEN (SELECT max(coalesce(i.model, i.request_model)) FROM complete_llm_interactions AS i WHERE i.id = scores.call_id)
        WHEN 'service' THEN service_name
        WHEN 'session' THEN session_id
        WHEN 'hour' THEN local_hour(start_time_unix_nano)
        WHEN 'day' THEN local_day(start_time_unix_nano)
        WHEN 'week' THEN local_week(start_time_unix_nano)
      END AS group_1,
      :group_2 AS group_2,
      value,
      label,
      error_type,
      start_time_unix_nano
    FROM scores
    WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  ranked AS (
    SELECT
      *,
      row_number() OVER (PARTITION BY group_1, group_2 ORDER BY value NULLS LAST) AS position,
      count(value) OVER (PARTITION BY group_1, group_2) AS valued,
      row_number() OVER (PARTITION BY group_1, group_2, label ORDER BY start_time_unix_nano) AS label_position,
      count(*) OVER (PARTITION BY group_1, group_2, label) AS label_times
    FROM given
  )
SELECT
  group_1,
  group_2,
  count(*) AS scores,
  count(value) AS with_value,
  avg(value) AS mean,
  min(value) AS least,
  min(value) FILTER (WHERE position >= valued * 0.5) AS p50,
  max(value) AS most,
  '{' || string_agg(to_json(label) || ':' || label_times, ',' ORDER BY label)
    FILTER (WHERE label IS NOT NULL AND label_position = 1) || '}' AS labels,
  count(error_type) AS errors,
  strftime(make_timestamp(max(start_time_unix_nano) // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS last_time
FROM ranked
GROUP BY 1, 2
ORDER BY CASE WHEN :group_1 IN ('hour', 'day', 'week') THEN 0 ELSE count(*) END DESC, 1, 2;
