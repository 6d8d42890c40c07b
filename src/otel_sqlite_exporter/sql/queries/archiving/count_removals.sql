-- How many runs of `delete`, `prune` and retention removed something after a time.
SELECT count(*) FROM _deletions AS d WHERE d.end_time_unix_nano >= :since;
