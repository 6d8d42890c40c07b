-- The distribution of durations: the number of pairs in each step of 1, 2 or 5 times a power of ten milliseconds. Plan:
-- the one of the report durations.
WITH
  pairs (duration_us) AS (
    SELECT CAST(trunc(duration_ms * 1000) AS BIGINT)
    FROM complete_llm_interactions
    WHERE :subject = 'call'
      AND counted = 1 AND status NOT IN ('running', 'interrupted') AND duration_ms >= 0
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT CAST(trunc(duration_ms * 1000) AS BIGINT)
    FROM complete_tool_interactions
    WHERE :subject = 'tool'
      AND status NOT IN ('running', 'interrupted') AND duration_ms >= 0
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT CAST(trunc(duration_ms * 1000) AS BIGINT)
    FROM events
    WHERE :subject = 'record'
      AND phase = 'finish' AND time_source <> 'estimated' AND related_event_id IS NOT NULL AND duration_ms >= 0
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  steps AS (
    SELECT
      CAST('1' || substr('000000000000000000', 1, length(CAST(duration_us AS VARCHAR)) - 1) AS BIGINT) / 1000.0 AS unit_ms,
      substr(CAST(duration_us AS VARCHAR), 1, 1) AS first_digit,
      count(*) AS pairs
    FROM pairs
    GROUP BY 1, 2
  )
SELECT
  CASE WHEN first_digit = '0' THEN 0 WHEN first_digit < '2' THEN 1 WHEN first_digit < '5' THEN 2 ELSE 5 END * unit_ms AS from_ms,
  CASE WHEN first_digit < '2' THEN CASE WHEN first_digit = '0' THEN 1 ELSE 2 END WHEN first_digit < '5' THEN 5 ELSE 10 END * unit_ms AS below_ms,
  sum(pairs) AS pairs
FROM steps
GROUP BY 1, 2
ORDER BY 1;
