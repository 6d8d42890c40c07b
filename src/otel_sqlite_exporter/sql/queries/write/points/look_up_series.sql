-- What the file holds of the series, instruments, resources, scopes and bounds of a batch, as one row of JSON. Each parameter
-- is an array of digests, :bounds of texts. A series: digest, id, until when it has one point an hour, the time of its last sorted
-- point, and of its last point (NULL: it has none). swept are the bounds of which a removal looks whether they are in use.
SELECT
  (
    SELECT json_group_array(json_array(
      m.digest, m.id, m.hourly_until_unix_nano,
      (SELECT max(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = m.id),
      (SELECT max(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = m.id)
    ))
    FROM json_each(:series) AS w
    CROSS JOIN _metric_series AS m ON m.digest = w.value
  ) AS series,
  (
    SELECT json_group_object(i.digest, i.id) FROM json_each(:instruments) AS w CROSS JOIN _instruments AS i ON i.digest = w.value
  ) AS instruments,
  (
    SELECT json_group_object(r.digest, r.id) FROM json_each(:resources) AS w CROSS JOIN _resources AS r ON r.digest = w.value
  ) AS resources,
  (
    SELECT json_group_object(c.digest, c.id) FROM json_each(:scopes) AS w CROSS JOIN _scopes AS c ON c.digest = w.value
  ) AS scopes,
  (
    SELECT json_group_object(b.bounds, b.id) FROM json_each(:bounds) AS w CROSS JOIN _histogram_bounds AS b ON b.bounds = w.value
  ) AS bounds,
  (
    SELECT json_group_array(b.id) FROM json_each(:bounds) AS w CROSS JOIN _histogram_bounds AS b ON b.bounds = w.value WHERE b.sweep <> 0
  ) AS swept;
