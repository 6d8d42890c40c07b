-- Which manifests hold shared traces.
SELECT DISTINCT t.manifest FROM _traces AS t SEMI JOIN shared AS s ON s.unit = t.unit;
