-- The rows of the table errors of a dataset: those of the view errors that are about :failed, which find_archived_failures
-- finds. The view is of three tables, each with an index of what failed by time: :first and :last say where to look.
SELECT
  :id_base + v.id AS id,
  v.trace_id,
  v.span_id,
  v.parent_span_id,
  v.session_id,
  v.service_name,
  v.name,
  v.start_time_unix_nano,
  v.error_type,
  v.status_description,
  v.exception_message,
  v.message,
  v.source,
  v.spans,
  v.requests,
  v.calls,
  v.tools,
  v.model,
  v.request_model,
  v.tool_name
FROM errors AS v
WHERE v.start_time_unix_nano BETWEEN :first AND :last
  AND (v.source, v.id) IN (SELECT w.value ->> 0, w.value ->> 1 FROM json_each(:failed) AS w)
ORDER BY v.start_time_unix_nano, v.id, v.source;
