-- The last id of the records of spans and events, and of log records. Plan: the ends of indexes.
SELECT
  max(
    (SELECT coalesce(max(s.id), 0) FROM _spans AS s),
    (SELECT coalesce(max(s.finish_record), 0) FROM _spans AS s WHERE s.finish_record IS NOT NULL),
    (SELECT coalesce(max(e.id), 0) FROM _events AS e)
  ),
  (SELECT coalesce(max(l.id), 0) FROM _logs AS l);
