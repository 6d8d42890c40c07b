CREATE VIEW _error_causes AS
-- One row for each span, with the nearest spans below it that failed with a cause, as a JSON array of
-- [id, span id, start, end, message]. Up to seven spans between them did not fail, or name no cause. Private.
SELECT
  p.id AS span,
  (
    WITH RECURSIVE down (trace, span_id, id, started, ended, message, is_cause, depth) AS (
      SELECT p.trace, p.span_id, p.id, NULL, NULL, NULL, 0, 0
      UNION ALL
      SELECT q.trace, q.span_id, q.id, q.start_time_unix_nano, q.end_time_unix_nano, f.value ->> '$.message', ifnull(f.value ->> '$.is_cause', 0), down.depth + 1
      FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
      CROSS JOIN json_each(json_array((SELECT e.facts FROM _span_errors AS e WHERE e.id = q.id))) AS f
      WHERE down.is_cause = 0 AND down.depth < 8
    )
    SELECT json_group_array(json_array(down.id, down.span_id, down.started, down.ended, down.message)) FROM down WHERE down.is_cause = 1
  ) AS causes
FROM _spans AS p;
