-- The key of the span that was written last.
SELECT ifnull(max(id), 0) FROM spans;
