-- Where the times of the records are from that a migration has written. :scope is the name of its scope, :after the last
-- record before it.
SELECT coalesce(l.time_source, 'record'), count(*)
FROM _logs AS l
JOIN _scopes AS c ON c.id = l.scope
WHERE c.name = :scope AND l.id > :after
GROUP BY 1;
