-- Ties each finish to the starts of its stem and session that it may take: at most $window_ns older. What is paired in its
-- trace stays so, unless other parts of the trace come.
INSERT INTO ties
WITH
  records AS (
    SELECT
      e.unit, e.manifest, e.id, e.phase, e.start_time_unix_nano AS time, s.unit IS NOT NULL AS is_shared,
      e.related_event_id,
      if(s.unit IS NULL, e._stem, regexp_replace(coalesce(e._recorded_name, e.name), '\.[^.]*$', '')) AS stem,
      if(s.unit IS NULL, e.session_id, h.session_id) AS session_id
    FROM _events AS e
    LEFT JOIN shared AS s ON s.unit = e.unit
    LEFT JOIN shown AS h ON h.unit = e.unit
    WHERE e.phase IN ('start', 'finish') AND (e._stem IS NOT NULL OR s.unit IS NOT NULL)
  ),
  free AS (
    SELECT r.unit, r.manifest, r.id, r.phase, r.time, r.stem, r.session_id
    FROM records AS r
    LEFT JOIN records AS m ON m.id = r.related_event_id AND m.unit = r.unit AND r.unit NOT LIKE '/%'
    WHERE r.session_id IS NOT NULL AND (r.is_shared OR m.id IS NULL)
  ),
  near AS (
    SELECT f.id, f.unit, f.manifest, s.unit AS start_unit, s.manifest AS start_manifest
    FROM free AS f
    JOIN free AS s ON s.session_id = f.session_id AND s.stem = f.stem AND s.time BETWEEN f.time - $window_ns AND f.time
    WHERE f.phase = 'finish' AND s.phase = 'start' AND (s.unit, s.manifest) <> (f.unit, f.manifest)
  )
SELECT n.unit, n.manifest, hash('pair', n.id) AS tie FROM near AS n
UNION
SELECT n.start_unit, n.start_manifest, hash('pair', n.id) FROM near AS n;
