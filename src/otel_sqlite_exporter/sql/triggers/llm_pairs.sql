-- A start record and its finish are one model call: while the two are linked, the row of the finish shows both. A log
-- record that tells again what an event of its span tells is no row of its own.

CREATE TRIGGER _llm_interactions_relinked AFTER UPDATE OF related_event, link_method ON _events
WHEN new.phase IS NOT NULL AND EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.event = new.id)
BEGIN
  UPDATE _llm_interactions
  SET (start_event, start_time_unix_nano) = (
    SELECT
      max(b.event),
      coalesce(max(b.end_time_unix_nano), max(0, _llm_interactions.end_time_unix_nano - CAST(ifnull(_llm_interactions.duration_ms, 0) * 1e6 AS INTEGER)))
    FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
    WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
  )
  WHERE event IN (new.id, new.related_event, old.related_event);
  UPDATE _llm_interactions
  SET is_hidden = EXISTS (SELECT 1 FROM _llm_interactions AS f WHERE f.start_event = _llm_interactions.event)
    OR EXISTS (SELECT 1 FROM _events AS e WHERE e.id = _llm_interactions.event AND e.link_method = 'repeat')
  WHERE event IN (new.id, new.related_event, old.related_event);
END;

CREATE TRIGGER _llm_interactions_removed AFTER DELETE ON _llm_interactions WHEN old.event IS NOT NULL
BEGIN
  UPDATE _llm_interactions
  SET
    start_event = NULL,
    start_time_unix_nano = max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
  WHERE start_event = old.event;
  UPDATE _llm_interactions SET is_hidden = 0 WHERE event = old.start_event;
END;
