-- The files whose calls a file has in kept sums, and how many of these there are.
SELECT u.source, sum(u.calls) FROM _kept_usage AS u GROUP BY u.source;
