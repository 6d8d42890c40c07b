-- A row that refers to an event that is not there, by its own key.
SELECT kind, owner, detail, detail_rowid
FROM _legacy_details
WHERE is_orphan = 1 AND kind = :kind AND detail = :detail;
