-- Ties what names one call id of a tool within two steps of 73 minutes (genai/tools/tool_tellings.py): executions,
-- requests and results in prompts, of one session or where one of them shows none. Likewise what is asked for without a
-- call id (`?` and a digest) and results of the same (`!`). `_tool_calls` has what no row of tool_interactions shows.
INSERT INTO ties
WITH
  told AS (
    SELECT
      t.unit, t.manifest, t.session_id, '=' || t.tool_call_id AS told, t.start_time_unix_nano AS since,
      t.end_time_unix_nano AS until
    FROM _tool_interactions AS t
    WHERE t.tool_call_id IS NOT NULL
    UNION ALL
    SELECT
      p.unit, p.manifest, p.session_id, unnest(from_json(p._tool_calls, '["VARCHAR"]')), p.start_time_unix_nano,
      p.end_time_unix_nano
    FROM _trace_sessions AS p
    WHERE p._tool_calls IS NOT NULL
  ),
  placed AS (
    SELECT
      t.unit, t.manifest, if(t.told[1] = '=', t.told, t.told[2:]) AS call, t.told[1] = '!' AS is_answer, t.since,
      t.until + 2 * 4398046511104 AS until, if(s.unit IS NULL, coalesce(t.session_id, ''), '') AS session
    FROM told AS t
    LEFT JOIN shared AS s ON s.unit = t.unit
  ),
  common AS (
    SELECT p.call, bool_or(p.session = '') AS is_open
    FROM placed AS p
    GROUP BY p.call
    HAVING min((p.unit, p.manifest)) <> max((p.unit, p.manifest)) AND NOT bool_and(p.is_answer)
  ),
  named AS (
    SELECT p.unit, p.manifest, p.since, p.until, p.call || chr(0) || if(c.is_open, '', p.session) AS place
    FROM placed AS p
    JOIN common AS c ON c.call = p.call
  ),
  marked AS (
    SELECT
      n.*,
      n.since > max(n.until) OVER (
        PARTITION BY n.place ORDER BY n.since, n.until, n.unit, n.manifest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS is_first
    FROM named AS n
  )
SELECT DISTINCT
  w.unit, w.manifest,
  hash('tool', w.place, count(*) FILTER (WHERE w.is_first) OVER (
    PARTITION BY w.place ORDER BY w.since, w.until, w.unit, w.manifest ROWS UNBOUNDED PRECEDING
  )) AS tie
FROM marked AS w;
