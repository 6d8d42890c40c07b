INSERT INTO _legacy_references (parent, kind, owner, is_orphan, ranges) VALUES (:parent, :kind, :owner, :is_orphan, :ranges)
ON CONFLICT (parent, owner, kind) DO UPDATE SET ranges = ranges || ',' || excluded.ranges;
