-- Ties each agent that reports usage to the calls of its session that ran inside its time: in other traces, they may add up
-- to what it reports.
INSERT INTO ties
WITH
  calls AS (
    SELECT
      c.unit, c.manifest, c.id, c.is_aggregate, c.start_time_unix_nano AS since, c.end_time_unix_nano AS until,
      if(s.unit IS NULL, c.session_id, h.session_id) AS session_id,
      coalesce(c.input_tokens, c.output_tokens, c.total_tokens) IS NOT NULL AS has_usage
    FROM _llm_interactions AS c
    LEFT JOIN shared AS s ON s.unit = c.unit
    LEFT JOIN shown AS h ON h.unit = c.unit
  ),
  near AS (
    SELECT a.id, a.unit, a.manifest, c.unit AS call_unit, c.manifest AS call_manifest
    FROM calls AS a
    JOIN calls AS c ON c.session_id = a.session_id AND c.since >= a.since AND c.until <= a.until
    WHERE a.is_aggregate = 1 AND a.has_usage AND c.is_aggregate = 0 AND (c.unit, c.manifest) <> (a.unit, a.manifest)
  )
SELECT n.unit, n.manifest, hash('agent', n.id) AS tie FROM near AS n
UNION
SELECT n.call_unit, n.call_manifest, hash('agent', n.id) FROM near AS n;
