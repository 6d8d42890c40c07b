CREATE TABLE _slow_spans (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL REFERENCES _spans,
  seconds REAL NOT NULL
) STRICT;
-- each 7 rows of _spans
INSERT INTO _slow_spans (span, seconds)
SELECT s.id, (s.end_time_unix_nano - s.start_time_unix_nano) / 1e9 FROM _spans AS s WHERE s.id > :after AND s.id <= :upto;
-- then
CREATE INDEX _slow_spans_seconds ON _slow_spans (seconds);
