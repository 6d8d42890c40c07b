-- Puts starts and finishes together among new model calls of events and log records, and those that they are linked with,
-- as the triggers of llm_pairs.sql do when a link changes later. :events is an array of ids of _events.
-- No trigger does this: with one, SQLite copies all rows of a batch to a temporary table before it inserts them.
UPDATE _llm_interactions
SET (start_event, start_time_unix_nano) = (
  SELECT
    max(b.event),
    coalesce(max(b.end_time_unix_nano), max(0, _llm_interactions.end_time_unix_nano - CAST(ifnull(_llm_interactions.duration_ms, 0) * 1e6 AS INTEGER)))
  FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
  WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
)
WHERE event IN (
  SELECT w.value FROM json_each(:events) AS w
  UNION
  SELECT e.related_event FROM json_each(:events) AS w CROSS JOIN _events AS e ON e.id = w.value
);
UPDATE _llm_interactions
SET is_hidden = EXISTS (SELECT 1 FROM _llm_interactions AS f WHERE f.start_event = _llm_interactions.event)
WHERE event IN (
  SELECT w.value FROM json_each(:events) AS w
  UNION
  SELECT e.related_event FROM json_each(:events) AS w CROSS JOIN _events AS e ON e.id = w.value
);
