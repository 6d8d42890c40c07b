-- The first :limit spans whose ids are from :prefix until before :beyond, with the ids of their traces. Spans of which
-- only log records tell are among them.
SELECT DISTINCT t.trace_id, f.span_id
FROM (
  SELECT s.trace, s.span_id FROM _spans AS s WHERE s.span_id >= :prefix AND s.span_id < :beyond
  UNION
  SELECT l.trace, l.span_id FROM _logs AS l WHERE l.span_id >= :prefix AND l.span_id < :beyond
) AS f
JOIN _traces AS t ON t.id = f.trace
ORDER BY f.span_id, t.trace_id
LIMIT :limit;
