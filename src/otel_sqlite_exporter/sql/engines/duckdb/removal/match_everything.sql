-- All units.
CREATE OR REPLACE TABLE chosen AS
SELECT DISTINCT p.unit FROM _trace_sessions AS p;
