-- In a temporary database of its own: how often a source (side 0) and the file that it is merged into (side 1) hold equal
-- log records, and up to which id this is known of a time.
CREATE TABLE counts (
  side INTEGER NOT NULL,
  time INTEGER NOT NULL,
  digest BLOB NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (side, time, digest)
) WITHOUT ROWID;
CREATE TABLE known (
  side INTEGER NOT NULL,
  time INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (side, time)
) WITHOUT ROWID;
