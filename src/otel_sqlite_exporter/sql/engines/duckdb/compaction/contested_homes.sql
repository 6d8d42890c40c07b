-- Which manifests hold what is contested.
SELECT DISTINCT p.manifest, p.unit
FROM _trace_sessions AS p
SEMI JOIN contested AS c ON c.unit = p.unit
ORDER BY p.manifest, p.unit;
