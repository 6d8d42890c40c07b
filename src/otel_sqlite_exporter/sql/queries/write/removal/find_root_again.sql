-- Notes the root spans of traces that lost theirs: of those that stay, the one without a parent, else with a remote parent,
-- else the earliest. :traces is an array of ids of _traces.
UPDATE _traces
SET (root_rank, root_time_unix_nano, root_span_id) = (
  SELECT r.rank, r.start_time_unix_nano, r.span_id
  FROM (
    SELECT
      iif(s.parent_span_id IS NULL, 0, iif(ifnull(s.parent_is_remote, 0), 1, 2)) AS rank, s.start_time_unix_nano, s.span_id
    FROM _spans AS s
    WHERE s.trace = _traces.id
    UNION ALL
    SELECT 3, 0, ''
  ) AS r
  ORDER BY r.rank, r.start_time_unix_nano, r.span_id
  LIMIT 1
)
WHERE id IN (SELECT value FROM json_each(:traces))
  AND NOT EXISTS (
    SELECT 1
    FROM _spans AS s
    WHERE s.trace = _traces.id AND s.span_id = _traces.root_span_id AND s.start_time_unix_nano = _traces.root_time_unix_nano
      AND iif(s.parent_span_id IS NULL, 0, iif(ifnull(s.parent_is_remote, 0), 1, 2)) = _traces.root_rank
  );
