-- Adds to the series that were new on a day, and to the points of further series that are not stored.
INSERT INTO _new_series (day, series, refused_points) VALUES (:day, :series, :refused)
ON CONFLICT (day) DO UPDATE SET series = series + excluded.series, refused_points = refused_points + excluded.refused_points;
