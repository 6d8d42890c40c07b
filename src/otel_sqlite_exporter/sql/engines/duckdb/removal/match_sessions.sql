-- The units whose records show one of the sessions $names.
CREATE OR REPLACE TABLE matched AS
SELECT DISTINCT p.unit FROM _trace_sessions AS p WHERE list_contains($names, p.session_id);
