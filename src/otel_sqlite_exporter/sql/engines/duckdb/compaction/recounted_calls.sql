-- How many contested calls count in the records that were taken in again and did not before, or the other way round. A call
-- is known by its record, as ids are of a source. fresh_calls are the new rows.
WITH
  before AS (
    SELECT
      coalesce(c.trace_id, '') AS trace_id, coalesce(c.span_id, '') AS span_id, c.source, c.name, c.start_time_unix_nano,
      CAST(sum(c.counted) AS BIGINT) AS counted
    FROM _llm_interactions AS c
    SEMI JOIN contested AS w ON w.unit = c.unit
    GROUP BY ALL
  ),
  after AS (
    SELECT
      coalesce(c.trace_id, '') AS trace_id, coalesce(c.span_id, '') AS span_id, c.source, c.name, c.start_time_unix_nano,
      CAST(sum(c.counted) AS BIGINT) AS counted
    FROM fresh_calls AS c
    GROUP BY ALL
  )
SELECT CAST(coalesce(sum(abs(coalesce(a.counted, 0) - coalesce(b.counted, 0))), 0) AS BIGINT)
FROM before AS b
FULL JOIN after AS a
  ON a.trace_id = b.trace_id AND a.span_id = b.span_id AND a.source = b.source
  AND a.name IS NOT DISTINCT FROM b.name AND a.start_time_unix_nano = b.start_time_unix_nano;
