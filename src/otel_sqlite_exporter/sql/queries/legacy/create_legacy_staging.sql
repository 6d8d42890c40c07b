-- What a migration of an attribute-row file needs while it runs: attribute rows as one JSON value for each owner (more
-- than one where its rows do not stand together), and which rows say more of which event.
CREATE TABLE IF NOT EXISTS _legacy_attributes (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,                     -- the table of attribute rows
  owner ANY,
  is_orphan INTEGER NOT NULL,             -- 1: the owner is not there
  attribute_types TEXT,
  attributes TEXT NOT NULL                -- JSON: {"entries": [[name, type, value], ...]}
) STRICT;
CREATE INDEX IF NOT EXISTS _legacy_attributes_owner ON _legacy_attributes (kind, owner);
CREATE INDEX IF NOT EXISTS _legacy_attributes_orphan ON _legacy_attributes (kind, owner) WHERE is_orphan = 1;
CREATE TABLE IF NOT EXISTS _legacy_details (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,                     -- the table of the row that says more
  owner ANY,                              -- the event
  is_orphan INTEGER NOT NULL,
  detail ANY,                             -- the key of the row
  detail_rowid INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS _legacy_details_owner ON _legacy_details (owner);
CREATE INDEX IF NOT EXISTS _legacy_details_orphan ON _legacy_details (id) WHERE is_orphan = 1;
CREATE INDEX IF NOT EXISTS _legacy_details_orphan_key ON _legacy_details (kind, detail) WHERE is_orphan = 1;
