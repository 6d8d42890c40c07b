-- Units, each with its manifest: those of one tie may decide each other. The first are those that are known already.
CREATE OR REPLACE TABLE ties AS
SELECT r.unit, r.manifest, r.tie FROM requests AS r;
