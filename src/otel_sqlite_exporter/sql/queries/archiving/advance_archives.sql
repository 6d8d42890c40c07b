-- Notes that days are in a dataset up to these ids. :ids is an array of ids of _archives.
UPDATE _archives AS a
SET last_record = :last_record, last_log = :last_log, last_rewrite = :last_rewrite
FROM json_each(:ids) AS w
WHERE a.id = w.value;
