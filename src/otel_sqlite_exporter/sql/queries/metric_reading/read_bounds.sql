-- The bounds of a histogram, by their key.
SELECT bounds
FROM _histogram_bounds
WHERE id = :id
