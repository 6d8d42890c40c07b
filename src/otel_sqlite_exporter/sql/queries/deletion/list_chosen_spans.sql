-- The ids of one chosen span of :every.
SELECT s.span_id
FROM (
  SELECT c.record, row_number() OVER () AS place FROM temp._chosen_records AS c WHERE c.is_log = 0
) AS c
CROSS JOIN _spans AS s ON s.id = c.record
WHERE c.place % :every = 0;
