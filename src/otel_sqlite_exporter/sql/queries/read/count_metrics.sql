-- How many instruments of metrics there are, and how many series; always one row. Plan: the smallest indexes of both.
SELECT
  (SELECT count(*) FROM _instruments AS i) AS metrics,
  (SELECT count(*) FROM _metric_series AS m) AS series;
