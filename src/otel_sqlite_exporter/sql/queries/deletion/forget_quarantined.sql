-- Removes these records from the quarantine.
DELETE FROM _quarantine WHERE id IN (SELECT n.value FROM json_each(:ids) AS n);
