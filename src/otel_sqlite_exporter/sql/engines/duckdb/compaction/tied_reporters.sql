-- Ties each call that its reporter recorded without the context of the application to the calls of other reporters of the
-- service that ran at its time and may report the same usage (write/interactions/call_matches.py). Calls are compared where
-- they share a minute.
INSERT INTO ties
WITH
  reported AS (
    SELECT
      c.unit, c.manifest, c.id, c.service_name, c.source, c.start_time_unix_nano AS since,
      greatest(c.end_time_unix_nano, c.start_time_unix_nano) AS until,
      c.trace_id IS NULL OR c.parent_span_id IS NULL AS is_alone,
      hash(c.source, coalesce(c.dialect, ''), coalesce(c._scope_name, '')) AS reporter,
      if(s.unit IS NULL, coalesce(c.session_id, ''), '') AS session,
      if(c._shows_others = 1, NULL, c.input_tokens) AS input_tokens,
      if(c._shows_others = 1, NULL, c.output_tokens) AS output_tokens,
      coalesce(c.cached_input_tokens, 0) + coalesce(c.cache_creation_input_tokens, 0) AS input_parts,
      coalesce(c.reasoning_tokens, 0) AS output_parts
    FROM _llm_interactions AS c
    LEFT JOIN shared AS s ON s.unit = c.unit
    WHERE c.is_aggregate = 0
  ),
  several AS (
    SELECT r.service_name
    FROM reported AS r
    GROUP BY r.service_name
    HAVING count(DISTINCT r.reporter) > 1 OR bool_or(r.source = 'event')
  ),
  minutes AS (
    SELECT
      r.*,
      unnest(generate_series(
        (r.since - 2000000000) // 60000000000, (least(r.until, r.since + 600000000000) + 2000000000) // 60000000000
      )) AS minute
    FROM reported AS r
    SEMI JOIN several AS s ON s.service_name = r.service_name
  ),
  near AS (
    SELECT DISTINCT a.id, a.unit, a.manifest, c.unit AS other_unit, c.manifest AS other_manifest
    FROM minutes AS a
    JOIN minutes AS c ON c.service_name = a.service_name AND c.minute = a.minute
    WHERE a.is_alone
      AND (c.unit, c.manifest) <> (a.unit, a.manifest)
      AND (c.reporter <> a.reporter OR (c.source = 'event' AND a.source = 'event'))
      AND (c.session = a.session OR c.session = '' OR a.session = '')
      AND c.since <= a.until + 2000000000
      AND a.since <= c.until + 2000000000
      AND (
        a.input_tokens IS NULL OR c.input_tokens IS NULL OR a.input_tokens = c.input_tokens
        OR abs(a.input_tokens - c.input_tokens) = if(a.input_tokens > c.input_tokens, a.input_parts, c.input_parts)
      )
      AND (
        a.output_tokens IS NULL OR c.output_tokens IS NULL OR a.output_tokens = c.output_tokens
        OR abs(a.output_tokens - c.output_tokens) = if(a.output_tokens > c.output_tokens, a.output_parts, c.output_parts)
      )
  )
SELECT n.unit, n.manifest, hash('reporter', n.id) AS tie FROM near AS n
UNION
SELECT n.other_unit, n.other_manifest, hash('reporter', n.id) FROM near AS n;
