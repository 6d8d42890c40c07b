-- The files whose calls a file has in kept sums: of each day, how many of these there are.
SELECT u.source, u.day, sum(u.calls) FROM _kept_usage AS u GROUP BY u.source, u.day;
