-- The units that do not stay.
SELECT DISTINCT p.unit FROM _trace_sessions AS p ANTI JOIN kept AS k ON k.unit = p.unit;
