-- Rows that say more of events. :owners is an array of the events' keys.
SELECT kind, owner, detail, detail_rowid
FROM _legacy_details
WHERE owner IN (SELECT value FROM json_each(:owners)) AND is_orphan = 0
ORDER BY id;
