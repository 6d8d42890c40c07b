INSERT INTO _legacy_details (kind, owner, is_orphan, detail, detail_rowid) VALUES (:kind, :owner, :is_orphan, :detail, :detail_rowid);
