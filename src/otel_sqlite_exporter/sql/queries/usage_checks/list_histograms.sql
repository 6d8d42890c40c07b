-- The names of the histograms.
SELECT DISTINCT i.name
FROM _instruments AS i
WHERE i.kind IN ('histogram', 'exponential_histogram')
ORDER BY i.name
