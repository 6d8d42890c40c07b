-- Needed while an attribute-row file is migrated: which rows refer to which rows of a parent table.
CREATE TABLE IF NOT EXISTS _legacy_references (
  id INTEGER PRIMARY KEY,
  parent TEXT NOT NULL,                   -- the table that is referred to
  kind TEXT NOT NULL,                     -- the table of the rows that refer to it
  owner ANY NOT NULL,                     -- the key in the parent; '': none
  is_orphan INTEGER NOT NULL,             -- 1: the parent has no such key
  ranges TEXT NOT NULL,                   -- rowids of the rows as [first, last], separated by commas
  UNIQUE (parent, owner, kind)
) STRICT;
CREATE INDEX IF NOT EXISTS _legacy_references_orphan ON _legacy_references (parent, id) WHERE is_orphan = 1;
