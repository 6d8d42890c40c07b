-- Ends open spans at the last write of their run, and the calls and executions of these spans. Their finish records get
-- the next ids. :spans is an array of ids of _spans.
UPDATE _spans
SET
  end_time_unix_nano = max(_spans.start_time_unix_nano, h.last_write_unix_nano),
  end_time_source = 'estimated',
  finish_record = w.last_record + w.key + 1
FROM (
  SELECT
    j.key, j.value,
    max(
      (SELECT coalesce(max(s.id), 0) FROM _spans AS s),
      (SELECT coalesce(max(s.finish_record), 0) FROM _spans AS s WHERE s.finish_record IS NOT NULL),
      (SELECT coalesce(max(e.id), 0) FROM _events AS e),
      ifnull((SELECT x.value ->> 'records' FROM _state AS x WHERE x.name = 'last ids'), 0)
    ) AS last_record
  FROM json_each(:spans) AS j
) AS w
JOIN _open_spans AS o ON o.span = w.value
JOIN _exporter_runs AS h ON h.id = o.run
WHERE _spans.id = o.span;
UPDATE _llm_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:spans) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _llm_interactions.span = s.id AND _llm_interactions.event IS NULL;
UPDATE _tool_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:spans) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _tool_interactions.span = s.id AND _tool_interactions.event IS NULL AND _tool_interactions.is_request = 0;
