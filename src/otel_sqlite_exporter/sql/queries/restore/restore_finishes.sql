-- Gives spans that were interrupted, and have no finish record yet, one after all others.
UPDATE _spans
SET finish_record = w.last_record + w.place
FROM (
  SELECT
    s.id,
    row_number() OVER (ORDER BY s.id) AS place,
    max(
      (SELECT coalesce(max(a.id), 0) FROM _spans AS a),
      (SELECT coalesce(max(a.finish_record), 0) FROM _spans AS a WHERE a.finish_record IS NOT NULL),
      (SELECT coalesce(max(e.id), 0) FROM _events AS e)
    ) AS last_record
  FROM _spans AS s
  WHERE s.finish_record IS NULL AND s.end_time_source IS NOT 'open'
) AS w
WHERE _spans.id = w.id;
