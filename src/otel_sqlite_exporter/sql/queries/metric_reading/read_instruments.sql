-- The instruments of a name.
SELECT m.*
FROM metrics AS m
WHERE m.name = :name
ORDER BY m.id
LIMIT :limit
