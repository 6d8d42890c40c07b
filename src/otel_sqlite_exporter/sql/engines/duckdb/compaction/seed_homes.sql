-- Which manifests hold what is asked for.
SELECT DISTINCT p.manifest
FROM _trace_sessions AS p
SEMI JOIN seeds AS s ON s.unit = p.unit;
