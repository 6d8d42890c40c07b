-- The last ids of spans and of log records; 0: there are none.
SELECT (SELECT coalesce(max(id), 0) FROM _spans), (SELECT coalesce(max(id), 0) FROM _logs);
