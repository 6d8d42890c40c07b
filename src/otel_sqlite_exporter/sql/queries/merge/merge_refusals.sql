-- Adds how many points of new series another file refused on a day: the larger number of both stays. Series that come from there are
-- not new ones of this file.
INSERT INTO _new_series (day, series, refused_points) VALUES (:day, 0, :refused_points)
ON CONFLICT (day) DO UPDATE SET refused_points = excluded.refused_points WHERE excluded.refused_points > refused_points;
