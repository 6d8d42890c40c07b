-- How many spans have ended after the finish record :spans, or run, and how many log records are after the id :logs.
SELECT
  (SELECT count(*) FROM _spans AS s WHERE s.finish_record > :spans)
  + (SELECT count(*) FROM _open_spans)
  + (SELECT count(*) FROM _logs AS l WHERE l.id > :logs);
