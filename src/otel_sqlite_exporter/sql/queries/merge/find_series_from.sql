-- The first series from the id :first on; NULL: there is none.
SELECT min(m.id) FROM _metric_series AS m WHERE m.id >= :first;
