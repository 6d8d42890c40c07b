-- quick
-- Metrics: instruments, their series, data points and exemplars.

-- What the points of a metric have in common. Equal ones of one scope are one row.
CREATE TABLE _instruments (
  id INTEGER PRIMARY KEY,
  scope INTEGER REFERENCES _scopes,
  digest TEXT NOT NULL UNIQUE,            -- of the scope, and of the columns below
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  unit TEXT NOT NULL,
  kind TEXT NOT NULL,                     -- gauge, sum, histogram, exponential_histogram or summary
  temporality TEXT,                       -- delta or cumulative; NULL: the kind has none, or it is not given
  is_monotonic INTEGER,                   -- of a sum: 1 if it only grows
  metadata_types TEXT,
  metadata TEXT NOT NULL
) STRICT;
-- The instruments of a name.
CREATE INDEX _instruments_name ON _instruments (name);

-- A series: an instrument, a resource, and the attributes that its points share.
CREATE TABLE _metric_series (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES _instruments,
  resource INTEGER NOT NULL REFERENCES _resources,
  digest TEXT NOT NULL UNIQUE,            -- of the instrument, the resource, and the next four columns
  session_id TEXT,                        -- the session that its attributes or its resource name
  user_id TEXT,
  attribute_types TEXT,
  attributes TEXT NOT NULL,
  hourly_until_unix_nano INTEGER NOT NULL DEFAULT 0, -- before this time it has one point an hour; none is added
  copied_since_unix_nano INTEGER,         -- but from this time on, points as they came of merged files; NULL: there are none
  late_points INTEGER NOT NULL DEFAULT 0, -- points that came after a later one was in the file
  refused_points INTEGER NOT NULL DEFAULT 0 -- points before hourly_until_unix_nano that came too late, and are not stored
) STRICT;
-- The series of an instrument (and of one resource), of a service, of a session and of a user.
CREATE INDEX _metric_series_instrument ON _metric_series (instrument, resource);
CREATE INDEX _metric_series_resource ON _metric_series (resource);
CREATE INDEX _metric_series_session ON _metric_series (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX _metric_series_user ON _metric_series (user_id) WHERE user_id IS NOT NULL;

-- Upper bounds of the buckets of histograms. Equal ones are one row.
CREATE TABLE _histogram_bounds (
  id INTEGER PRIMARY KEY,
  bounds TEXT NOT NULL UNIQUE,            -- JSON array of numbers
  sweep INTEGER NOT NULL DEFAULT 0        -- the number of a search for points that refer to it; who uses it meanwhile sets 0
) STRICT;

-- One row a data point. A point of each series comes with each batch, so in the order of series a batch would change as
-- many pages as there are series. So new points stand together until there are many, and are then sorted in: all points
-- of a series with is_sorted = 0 are later than those with is_sorted = 1.
-- Numbers in columns of any type are integers or floating-point numbers, as they came; what SQLite or JSON has no form for
-- is a text: NaN, Infinity, -Infinity, or the digits of an integer beyond 64 bits.
CREATE TABLE _metric_points (
  is_sorted INTEGER NOT NULL,             -- 0 or 1
  series INTEGER NOT NULL,                -- an id of _metric_series. No foreign key, here and for bounds: SQLite would go
                                          -- through all points where a series is removed
  time_unix_nano INTEGER NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,  -- when counting began; 0: unknown
  time_source TEXT,                       -- NULL: the point's own; else arrival
  flags INTEGER NOT NULL,                 -- as OTLP has them: 1 no recorded value
  value ANY,                              -- of a gauge or sum
  value_count ANY,                        -- this and the next five: of a histogram or summary
  sum ANY,
  min ANY,
  max ANY,
  bounds INTEGER,                         -- an id of _histogram_bounds
  buckets TEXT,                           -- JSON. Histogram: counts. Exponential histogram: [scale, zero count, zero threshold or
                                          -- null, offset, counts, offset, counts], first of positive values, null: there are
                                          -- none. Summary: [[quantile, value], ...]
  raw_points INTEGER,                     -- of how many points this is made; NULL: it is one that came. Of a gauge, min, max
                                          -- and sum are then those of the values, and value is the last. 0: the points before
                                          -- it were removed; it stays because later ones are counted from it
  PRIMARY KEY (is_sorted, series, time_unix_nano, start_time_unix_nano)
) STRICT, WITHOUT ROWID;

CREATE TABLE _exemplars (
  series INTEGER NOT NULL REFERENCES _metric_series,
  point_time_unix_nano INTEGER NOT NULL,  -- this and the next: of its point
  point_start_time_unix_nano INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,               -- position among the exemplars of its point, from 0
  time_unix_nano INTEGER,
  value ANY,
  trace_id TEXT,                          -- text, because the span may come later, or never
  span_id TEXT,
  attribute_types TEXT,
  attributes TEXT NOT NULL,
  PRIMARY KEY (series, point_time_unix_nano, point_start_time_unix_nano, ordinal)
) STRICT, WITHOUT ROWID;
-- The exemplars of a trace.
CREATE INDEX _exemplars_trace ON _exemplars (trace_id) WHERE trace_id IS NOT NULL;

-- Data points that are not stored: of new series beyond the limit of a day, or from before hourly_until_unix_nano.
ALTER TABLE _exporter_runs ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
-- Of what was written: data points. It tells that points came, which have no ids that grow.
ALTER TABLE _exporter_runs ADD COLUMN points INTEGER NOT NULL DEFAULT 0;

-- How many series were new on each of the last days (UTC), and what came beyond the limit.
CREATE TABLE _new_series (
  day INTEGER PRIMARY KEY,                -- days since 1970-01-01
  series INTEGER NOT NULL,                -- that were made
  refused_points INTEGER NOT NULL         -- points of further series, which are not stored
) STRICT;

-- Data points that a run of `delete`, `prune` or retention removed, or added to others.
ALTER TABLE _deletions ADD COLUMN points INTEGER NOT NULL DEFAULT 0;
-- The series of which a run of `delete` is still to remove points. As _deletion_records, it is empty but for a run that goes on, or
-- was stopped.
CREATE TABLE _deletion_series (
  id INTEGER PRIMARY KEY,
  deletion INTEGER NOT NULL,              -- an id of _deletions
  series INTEGER NOT NULL,                -- an id of _metric_series
  since_unix_nano INTEGER,                -- the first time of the points, and the time before which they are; NULL: all
  until_unix_nano INTEGER,
  points INTEGER NOT NULL                 -- how many these were
) STRICT;
