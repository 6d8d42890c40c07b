-- Removes resources, scopes, reporters and texts that nothing refers to. All are arrays of ids.
DELETE FROM _resources WHERE id IN (SELECT value FROM json_each(:resources));
DELETE FROM _scopes WHERE id IN (SELECT value FROM json_each(:scopes));
DELETE FROM _reporters WHERE id IN (SELECT value FROM json_each(:reporters));
DELETE FROM _texts WHERE id IN (SELECT value FROM json_each(:texts));
