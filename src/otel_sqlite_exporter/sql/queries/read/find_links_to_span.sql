-- The spans that link to a span, the newest :limit. Parameters: trace_id, span_id, limit.
SELECT t.trace_id, s.span_id, s.name, l.attributes
FROM (
  SELECT k.span, k.attributes FROM _links AS k
  WHERE k.linked_trace_id = :trace_id AND k.linked_span_id = :span_id
  ORDER BY k.id DESC
  LIMIT :limit
) AS l
CROSS JOIN _spans AS s ON s.id = l.span
CROSS JOIN _traces AS t ON t.id = s.trace;
