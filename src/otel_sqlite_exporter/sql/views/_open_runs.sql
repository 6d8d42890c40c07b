CREATE VIEW _open_runs AS
-- One row for each run of an exporter, which may have open spans: until when it is known to have run, and whether its
-- process is gone. These are what was last known; readers put a table of the same name over it that holds what is true
-- when they read. Private.
SELECT h.id, h.last_write_unix_nano AS until_unix_nano, 0 AS is_gone
FROM _exporter_runs AS h;
