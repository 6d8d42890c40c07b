-- How many records a migration has written, by name and by the source of their time. :scope is the name of its scope, :after
-- the last record before it.
SELECT l.event_name, coalesce(l.time_source, 'record'), count(*)
FROM _logs AS l
JOIN _scopes AS c ON c.id = l.scope
WHERE c.name = :scope AND l.id > :after
GROUP BY 1, 2;
