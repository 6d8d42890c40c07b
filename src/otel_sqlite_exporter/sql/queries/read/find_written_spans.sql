-- The spans of which a start or a finish was written after `record`, those written last first. Parameters: record, limit.
-- Plan: two ranges from the ends of indexes.
SELECT id, max(written) AS written
FROM (
  SELECT * FROM (SELECT s.id, s.id AS written FROM _spans AS s WHERE s.id > :record ORDER BY s.id DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (
    SELECT s.id, s.finish_record FROM _spans AS s WHERE s.finish_record > :record ORDER BY s.finish_record DESC LIMIT :limit
  )
)
GROUP BY id
ORDER BY written DESC
LIMIT :limit;
