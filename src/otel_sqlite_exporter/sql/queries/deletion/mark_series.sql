-- Notes the chosen series after :after, at most :limit of them, as what the run :deletion is to remove points of.
INSERT INTO _deletion_series (deletion, series, since_unix_nano, until_unix_nano, points)
SELECT :deletion, s.series, :since, :until, s.points
FROM temp._chosen_series AS s
WHERE s.series > :after
ORDER BY s.series
LIMIT :limit
RETURNING series;
