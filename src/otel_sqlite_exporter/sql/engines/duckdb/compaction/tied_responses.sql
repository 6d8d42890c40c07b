-- Ties the calls that name one response at about the same time: within 69 seconds before and 138 after, as steps of time of
-- write/interactions/call_matches.py and of `response_key` reach.
INSERT INTO ties
WITH
  named AS (
    SELECT
      c.unit, c.manifest, c.response_id AS place, c.start_time_unix_nano - 69000000000 AS since,
      c.end_time_unix_nano + 138000000000 AS until
    FROM _llm_interactions AS c
    WHERE c.response_id IS NOT NULL AND c.is_aggregate = 0
  ),
  common AS (
    SELECT n.place FROM named AS n GROUP BY n.place HAVING min((n.unit, n.manifest)) <> max((n.unit, n.manifest))
  ),
  marked AS (
    SELECT
      n.*,
      n.since > max(n.until) OVER (
        PARTITION BY n.place ORDER BY n.since, n.until, n.unit, n.manifest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS is_first
    FROM named AS n
    SEMI JOIN common AS c ON c.place = n.place
  )
SELECT DISTINCT
  w.unit, w.manifest,
  hash('response', w.place, count(*) FILTER (WHERE w.is_first) OVER (
    PARTITION BY w.place ORDER BY w.since, w.until, w.unit, w.manifest ROWS UNBOUNDED PRECEDING
  )) AS tie
FROM marked AS w;
