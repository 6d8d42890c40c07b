-- The number of pieces of a source that were imported, up to the last one with a mark. :digests are the digests of its
-- pieces, in order.
SELECT coalesce(max(d.key) + 1, 0)
FROM json_each(:digests) AS d
JOIN _imports AS i ON i.digest = d.value;
