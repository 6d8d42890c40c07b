-- How many records a migration has written, by name. :scope is the name of its scope, :after the last record before it.
SELECT l.event_name, count(*)
FROM _logs AS l
JOIN _scopes AS c ON c.id = l.scope
WHERE c.name = :scope AND l.id > :after
GROUP BY 1;
