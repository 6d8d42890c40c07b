-- Chooses these exemplars: :keys is an array of the columns of their keys.
INSERT INTO temp._chosen_exemplars (series, point_time_unix_nano, point_start_time_unix_nano, ordinal)
SELECT k.value ->> 0, k.value ->> 1, k.value ->> 2, k.value ->> 3
FROM json_each(:keys) AS k
WHERE true
ON CONFLICT DO NOTHING;
