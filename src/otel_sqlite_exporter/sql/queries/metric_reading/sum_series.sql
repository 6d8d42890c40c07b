-- The first :series series of each of the first :instruments instruments by name: what was counted in them, the last value,
-- the times of the first and the last point, and how many series the instrument has. Plan: all series and all
-- points.
SELECT
  n.instrument,
  n.name,
  n.description,
  n.kind,
  n.unit,
  n.temporality,
  n.is_monotonic,
  n.of_instrument AS series,
  m.attributes,
  s.delta,
  s.count_delta,
  s.sum_delta,
  (
    SELECT p.value FROM _point_numbers AS p WHERE p.series = m.id AND p.time_unix_nano = t.last_time_unix_nano
    ORDER BY p.start_time_unix_nano DESC LIMIT 1
  ) AS value,
  t.first_time_unix_nano,
  t.last_time_unix_nano
FROM (
  SELECT
    m.id AS series, i.id AS instrument, i.name, i.description, i.kind, i.unit, i.temporality, i.is_monotonic,
    row_number() OVER (PARTITION BY i.id ORDER BY m.id) AS place,
    count(*) OVER (PARTITION BY i.id) AS of_instrument,
    dense_rank() OVER (ORDER BY i.name, i.id) AS instrument_place
  FROM _instruments AS i
  JOIN _metric_series AS m ON m.instrument = i.id
) AS n
CROSS JOIN _metric_series AS m ON m.id = n.series
CROSS JOIN _series_times AS t ON t.series = m.id
CROSS JOIN (
  SELECT
    p.series_id,
    iif(count(p.delta), total(p.delta), NULL) AS delta,
    iif(count(p.count_delta), total(p.count_delta), NULL) AS count_delta,
    iif(count(p.sum_delta), total(p.sum_delta), NULL) AS sum_delta
  FROM metric_points AS p
  GROUP BY p.series_id
) AS s ON s.series_id = m.id
WHERE n.place <= :series AND n.instrument_place <= :instruments
ORDER BY n.name, n.instrument, m.id;
