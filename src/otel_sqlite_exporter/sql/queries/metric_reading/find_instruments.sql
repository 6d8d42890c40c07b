-- What the instruments of a name are.
SELECT id, kind, unit, temporality, is_monotonic, description
FROM _instruments
WHERE name = :name
ORDER BY id
