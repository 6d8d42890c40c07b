-- The attributes that `index --attribute` indexes, and their values. Triggers keep them: queries/maintain.

CREATE TABLE _attribute_keys (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,                -- 0 spans, 1 span events, 2 log records
  key TEXT NOT NULL,
  path TEXT,                              -- the key for SQLite's JSON functions; NULL: only json_each finds it
  rest INTEGER NOT NULL,                  -- rows up to this id are not indexed yet. 0: all are. -1: it is being dropped
  UNIQUE (key, source)
) STRICT;

-- One row for each record that has the attribute, and no other index: it is read in order of values.
CREATE TABLE _attribute_values (
  attribute INTEGER NOT NULL,             -- an id of _attribute_keys
  value ANY NOT NULL,                     -- as ->> gives it; of a text, the first 1,000 characters
  record INTEGER NOT NULL,                -- an id of _spans, _events or _logs
  PRIMARY KEY (attribute, value, record)
) STRICT, WITHOUT ROWID;
