-- When contested records were.
SELECT min(p.start_time_unix_nano), max(p.end_time_unix_nano)
FROM _trace_sessions AS p
SEMI JOIN contested AS c ON c.unit = p.unit
GROUP BY p.unit;
