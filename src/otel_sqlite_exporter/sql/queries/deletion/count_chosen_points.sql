-- How many series are chosen, how many points of them, and how many exemplars of others.
SELECT
  (SELECT count(*) FROM temp._chosen_series) AS series,
  (SELECT ifnull(sum(s.points), 0) FROM temp._chosen_series AS s) AS points,
  (
    SELECT count(*) FROM temp._chosen_exemplars AS e
    WHERE NOT EXISTS (SELECT 1 FROM temp._chosen_series AS s WHERE s.series = e.series)
  ) AS exemplars;
