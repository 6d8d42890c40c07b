-- How many traces stand in several parts. View: _traces.
SELECT count(*) AS traces
FROM (SELECT t.trace_id FROM _traces AS t GROUP BY t.trace_id HAVING count(*) > 1) AS d;
