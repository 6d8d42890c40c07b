-- Notes of the package about the file itself, and the rules for all tables.
--
-- A name that begins with an underscore is private: it may change in any release. Read the views.
-- Columns that end in _unix_nano are nanoseconds since 1970-01-01 UTC. A column that refers to a table holds an id of it.
-- attributes is one JSON object. attribute_types is a JSON object from the JSON Pointer of a value in attributes to its
-- type, where JSON alone loses the type (bytes, double, int, cut:N), else NULL.
-- Ids of traces and spans are lower-case hex text.
-- Keys are integers, so that a trace id is in the file once for each trace. No index begins with a span id: span ids are
-- random, so each batch would dirty as many pages of such an index as it has spans.

CREATE TABLE _migrations (
  version INTEGER PRIMARY KEY,            -- the schema version that this step led to
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,                 -- SHA-256 of the text of the step
  applied_at TEXT NOT NULL,               -- ISO 8601, UTC
  duration_ms REAL NOT NULL,
  package_version TEXT NOT NULL,
  statistics TEXT NOT NULL                -- JSON object: rows_before and rows_after, each {table: rows}
) STRICT;

CREATE TABLE _state (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,              -- one of the names below
  value ANY NOT NULL
  -- views             the number of the views and triggers in this file
  -- view digests      digests of their texts, with spaces between; all others belong to the user and stay
  -- step N            the last id that the batches of step N have done
  -- reindex spans     the last id that reindex has done; the same with logs
  -- rules of reindex  the version, the rules and the time in nanoseconds of the last complete reindex
  -- spool ID          the id of the last batch that was written from this spool
) STRICT;

-- One row for each transaction of an import.
CREATE TABLE _imports (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of the source up to this point
  source TEXT NOT NULL,                   -- the name that the user gave
  time_unix_nano INTEGER NOT NULL         -- when it was imported
) STRICT;
