-- The numbers of spans and log records in the file.
SELECT (SELECT count(*) FROM _spans) AS spans, (SELECT count(*) FROM _logs) AS logs;
