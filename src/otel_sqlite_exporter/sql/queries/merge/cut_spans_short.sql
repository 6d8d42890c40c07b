-- Ends spans whose process ended first, and their calls and executions, as another file has them. Finish records that are
-- new get the next ids. :spans is [[id, end], ...]; :ids are these ids.
UPDATE _spans
SET
  end_time_unix_nano = w.finish,
  end_time_source = 'estimated',
  finish_record = coalesce(_spans.finish_record, w.last_record + w.key + 1)
FROM (
  SELECT
    j.key, j.value ->> 0 AS id, j.value ->> 1 AS finish,
    max(
      (SELECT coalesce(max(s.id), 0) FROM _spans AS s),
      (SELECT coalesce(max(s.finish_record), 0) FROM _spans AS s WHERE s.finish_record IS NOT NULL),
      (SELECT coalesce(max(e.id), 0) FROM _events AS e)
    ) AS last_record
  FROM json_each(:spans) AS j
) AS w
WHERE _spans.id = w.id;
UPDATE _llm_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _llm_interactions.span = s.id AND _llm_interactions.event IS NULL;
UPDATE _tool_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _tool_interactions.span = s.id AND _tool_interactions.event IS NULL AND _tool_interactions.is_request = 0;
DELETE FROM _open_spans WHERE span IN (SELECT value FROM json_each(:ids));
