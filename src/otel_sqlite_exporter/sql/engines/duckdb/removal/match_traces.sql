-- The traces $names.
CREATE OR REPLACE TABLE matched AS
SELECT DISTINCT t.unit FROM _traces AS t WHERE list_contains($names, t.trace_id);
