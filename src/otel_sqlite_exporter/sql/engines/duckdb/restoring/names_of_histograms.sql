-- The names of the histograms of a dataset.
SELECT DISTINCT p.name FROM _metrics AS p WHERE p.kind IN ('histogram', 'exponential_histogram');
