-- Which units of which manifests may decide each other: those of one tie. The first are those that are known already.
CREATE OR REPLACE TABLE ties AS
SELECT r.unit, r.manifest, r.tie FROM requests AS r;
