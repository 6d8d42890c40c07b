-- Temporary tables of one connection: the parts of traces that selectors match, each selector with a bit of its own; log
-- records without a trace that name a user; and the records that all selectors choose, also in the order in which they
-- are to go. Of metrics: series that selectors match, those that all choose, with how many of their points, and exemplars of others.
CREATE TEMP TABLE IF NOT EXISTS _matched_parts (
  part INTEGER PRIMARY KEY,
  kinds INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _matched_logs (
  log INTEGER PRIMARY KEY
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _chosen_records (
  is_log INTEGER NOT NULL,
  record INTEGER NOT NULL,
  part INTEGER NOT NULL,
  time_unix_nano INTEGER NOT NULL,
  PRIMARY KEY (is_log, record)
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS _chosen_parts (
  part INTEGER PRIMARY KEY,
  records INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _ordered_records (
  id INTEGER PRIMARY KEY,
  is_log INTEGER NOT NULL,
  record INTEGER NOT NULL,
  time_unix_nano INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _matched_series (
  series INTEGER PRIMARY KEY,
  kinds INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _chosen_series (
  series INTEGER PRIMARY KEY,
  points INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _chosen_exemplars (
  series INTEGER NOT NULL,
  point_time_unix_nano INTEGER NOT NULL,
  point_start_time_unix_nano INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  PRIMARY KEY (series, point_time_unix_nano, point_start_time_unix_nano, ordinal)
) STRICT, WITHOUT ROWID;
DELETE FROM temp._matched_parts;
DELETE FROM temp._matched_logs;
DELETE FROM temp._chosen_records;
DELETE FROM temp._chosen_parts;
DELETE FROM temp._ordered_records;
DELETE FROM temp._matched_series;
DELETE FROM temp._chosen_series;
DELETE FROM temp._chosen_exemplars;
