CREATE OR REPLACE VIEW _valid_marks AS
-- One row for each pin and note that is set, of a session (trace_id is empty) or a trace (session_id is empty): of one
-- thing, what was said last. Private.
SELECT
  g.session_id,
  g.trace_id,
  g.kind,
  CASE WHEN g.kind = 'pin' THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS pinned,
  CASE WHEN g.kind = 'pin' THEN nullif(g.text, '') END AS pin_label,
  CASE WHEN g.kind = 'note' THEN g.text END AS note,
  g.text,
  g.time_unix_nano,
  g.id
FROM (
  SELECT
    n.session_id,
    n.trace_id,
    n.kind,
    n.is_set,
    n.text,
    n.time_unix_nano,
    n.id,
    row_number() OVER (
      PARTITION BY n.session_id, n.trace_id, n.kind ORDER BY n.time_unix_nano DESC, n.is_set DESC, n.text DESC, n.id
    ) AS place
  FROM (
    SELECT
      coalesce(k.session_id, '') AS session_id,
      coalesce(k.trace_id, '') AS trace_id,
      k.kind,
      k.is_set,
      k.text,
      k.time_unix_nano,
      k.id
    FROM _marks AS k
  ) AS n
) AS g
WHERE g.place = 1 AND g.is_set = 1;
