-- What lies over the private views _open_runs and _session_times while a reader asks; fill_open_work fills it. In a
-- view of the file these names mean those of the file, so the reader makes a temporary copy of each view too.
-- Without the CAST, SQLite sorts all sessions for one page: it takes only columns of one affinity from both parts.
CREATE TEMP TABLE IF NOT EXISTS _open_runs (
  id INTEGER PRIMARY KEY,
  until_unix_nano INTEGER NOT NULL,
  is_gone INTEGER NOT NULL
) STRICT;
CREATE TEMP TABLE IF NOT EXISTS _open_sessions (
  id INTEGER PRIMARY KEY,
  until_unix_nano INTEGER NOT NULL
) STRICT;
CREATE TEMP VIEW IF NOT EXISTS _session_times AS
SELECT x.id, x.session_id, x.start_time_unix_nano, x.end_time_unix_nano
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL AND x.id NOT IN (SELECT o.id FROM _open_sessions AS o)
UNION ALL
SELECT x.id, x.session_id, x.start_time_unix_nano, CAST(max(x.end_time_unix_nano, o.until_unix_nano) AS INTEGER)
FROM _open_sessions AS o
CROSS JOIN _sessions AS x ON x.id = o.id
WHERE x.end_time_unix_nano IS NOT NULL;
