-- What changes with each batch that any process writes: the last ids, the sums over all exporters, and the notes of the
-- package. One row of few numbers and one text. Plan: the ends of indexes; all exporters and notes, of which a file has few.
SELECT
  (SELECT max(s.id) FROM _spans AS s),
  (SELECT max(s.finish_record) FROM _spans AS s WHERE s.finish_record IS NOT NULL),
  (SELECT max(e.id) FROM _events AS e),
  (SELECT max(l.id) FROM _logs AS l),
  (SELECT max(q.id) FROM _quarantine AS q),
  (SELECT json_array(count(*), max(h.last_write_unix_nano), sum(h.batches), sum(h.received), sum(h.dropped), sum(h.spooled)) FROM _exporter_runs AS h),
  (SELECT json_group_object(n.name, n.value) FROM _state AS n);
