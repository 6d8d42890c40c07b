-- Notes what is chosen, as what the run :deletion is to remove: whole traces after each other, and the rule with the
-- names of sessions and traces of which all goes, and ids of :samples spans.
INSERT INTO _deletion_records (deletion, is_log, record, time_unix_nano)
SELECT :deletion, c.is_log, c.record, c.time_unix_nano
FROM temp._chosen_records AS c
CROSS JOIN _trace_sessions AS p ON p.id = c.part
ORDER BY p.trace, c.is_log DESC, c.record;
INSERT INTO _deletion_names (deletion, kind, name)
SELECT :deletion, 3, s.span_id
FROM (
  SELECT c.record, row_number() OVER () AS place FROM temp._chosen_records AS c WHERE c.is_log = 0
) AS c
CROSS JOIN _spans AS s ON s.id = c.record
WHERE c.place % :every = 0;
