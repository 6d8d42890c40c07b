-- Which units of which manifests may decide each other: those of one tie.
CREATE OR REPLACE TABLE ties (unit VARCHAR, manifest BIGINT, tie UBIGINT);
