-- Resources and instrumentation scopes. Equal ones are one row.

CREATE TABLE _resources (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of the columns below
  service_name TEXT NOT NULL,
  schema_url TEXT NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;

CREATE TABLE _scopes (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of the columns below
  name TEXT NOT NULL,
  version TEXT,
  schema_url TEXT NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;
