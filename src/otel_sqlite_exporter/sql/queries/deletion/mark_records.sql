-- Notes what is chosen, as what the run :deletion is to remove: of temp._ordered_records the rows after :after, up to :upto.
INSERT INTO _deletion_records (deletion, is_log, record, time_unix_nano)
SELECT :deletion, o.is_log, o.record, o.time_unix_nano
FROM temp._ordered_records AS o
WHERE o.id > :after AND o.id <= :upto
ORDER BY o.id;
