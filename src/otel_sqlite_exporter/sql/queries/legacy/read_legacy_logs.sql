-- The next records that a migration has written. :scope is the name of its scope.
SELECT l.id, l.event_name, l.attributes, l.attribute_types
FROM _logs AS l
JOIN _scopes AS c ON c.id = l.scope
WHERE c.name = :scope AND l.id > :after
ORDER BY l.id
LIMIT :limit;
