-- The instruments with the most series, of those with :least or more, at most :instruments of them: name, series, how many of these are
-- looked at (the newest, at most :sampled), and as a JSON array of [key, number of values] the attributes of these and of their
-- resources. A key of a resource stands behind `resource`.
WITH
  largest AS MATERIALIZED (
    SELECT m.instrument, count(*) AS series
    FROM _metric_series AS m
    GROUP BY m.instrument
    HAVING count(*) >= :least
    ORDER BY count(*) DESC, m.instrument
    LIMIT :instruments
  ),
  sampled AS MATERIALIZED (
    SELECT l.instrument, m.id, m.resource, m.attributes
    FROM largest AS l
    CROSS JOIN _metric_series AS m ON m.id IN (
      SELECT n.id FROM _metric_series AS n WHERE n.instrument = l.instrument ORDER BY n.id DESC LIMIT :sampled
    )
  ),
  found AS MATERIALIZED (
    SELECT s.instrument, j.key, count(DISTINCT j.value) AS number
    FROM sampled AS s
    CROSS JOIN json_each(s.attributes) AS j
    GROUP BY s.instrument, j.key
    UNION ALL
    SELECT u.instrument, 'resource ' || j.key, count(DISTINCT j.value)
    FROM (SELECT DISTINCT s.instrument, s.resource FROM sampled AS s) AS u
    CROSS JOIN _resources AS r ON r.id = u.resource
    CROSS JOIN json_each(r.attributes) AS j
    GROUP BY u.instrument, j.key
  )
SELECT
  i.name,
  l.series,
  min(l.series, :sampled) AS sampled,
  (SELECT json_group_array(json_array(f.key, f.number)) FROM found AS f WHERE f.instrument = l.instrument) AS keys
FROM largest AS l
CROSS JOIN _instruments AS i ON i.id = l.instrument
ORDER BY l.series DESC, l.instrument;
