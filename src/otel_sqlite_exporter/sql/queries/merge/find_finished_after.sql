-- The next spans that have ended, after the finish record :after, in the order of these records.
SELECT s.id, s.finish_record FROM _spans AS s WHERE s.finish_record > :after ORDER BY s.finish_record LIMIT :limit;
