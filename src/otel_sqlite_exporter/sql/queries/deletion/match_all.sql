-- Matches all parts, for the services that alone are to choose.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind FROM _trace_sessions AS p;
