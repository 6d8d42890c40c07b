-- Which manifests hold shared traces, or requests that others decide.
SELECT t.manifest FROM _traces AS t SEMI JOIN shared AS s ON s.unit = t.unit
UNION
SELECT r.manifest FROM requests AS r;
