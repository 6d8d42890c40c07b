-- The indexed attributes: key, source, rest, how many records have it, and the bytes of their values.
SELECT
  k.id,
  k.key,
  k.source,
  k.rest,
  (SELECT count(*) FROM _attribute_values AS a WHERE a.attribute = k.id) AS entries,
  (
    SELECT coalesce(sum(CASE typeof(a.value) WHEN 'integer' THEN 4 WHEN 'real' THEN 8 ELSE length(CAST(a.value AS BLOB)) END), 0)
    FROM _attribute_values AS a
    WHERE a.attribute = k.id
  ) AS bytes
FROM _attribute_keys AS k
ORDER BY k.key, k.source;
