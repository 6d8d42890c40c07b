-- Removes what runs noted that were stopped before they had noted all, so that nothing of it was removed: they have no
-- rule.
DELETE FROM _deletion_series WHERE deletion NOT IN (SELECT n.deletion FROM _deletion_names AS n WHERE n.kind = 0);
DELETE FROM _deletion_records WHERE deletion NOT IN (SELECT n.deletion FROM _deletion_names AS n WHERE n.kind = 0);
DELETE FROM _deletion_names WHERE deletion NOT IN (SELECT n.deletion FROM _deletion_names AS n WHERE n.kind = 0);
