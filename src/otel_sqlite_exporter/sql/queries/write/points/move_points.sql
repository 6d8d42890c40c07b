-- Sorts in the new points of the series after :after up to :last.
UPDATE _metric_points SET is_sorted = 1 WHERE is_sorted = 0 AND series > :after AND series <= :last;
