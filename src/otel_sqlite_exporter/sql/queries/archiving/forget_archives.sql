-- Forgets rows of _archives, and changes that all of the others know. :ids is an array of ids.
DELETE FROM _archives WHERE id IN (SELECT w.value FROM json_each(:ids) AS w);
DELETE FROM _rewritten_traces WHERE id <= (SELECT min(a.last_rewrite) FROM _archives AS a WHERE a.is_complete = 1);
