-- How many pieces of a source were imported, of those with these digests: up to the last that is noted. Parameter:
-- digests, a JSON array.
SELECT coalesce(max(d.key) + 1, 0)
FROM json_each(:digests) AS d
JOIN _imports AS i ON i.digest = d.value;
