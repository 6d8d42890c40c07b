-- The rows of _trace_sessions of some traces, as a JSON array of ids. :traces is an array of ids of _traces.
SELECT json_group_array(p.id) FROM json_each(:traces) AS w CROSS JOIN _trace_sessions AS p ON p.trace = w.value;
