-- Attributes of rows. :owners is an array of the rows' keys.
SELECT owner, attributes, attribute_types
FROM _legacy_attributes
WHERE kind = :kind AND owner IN (SELECT value FROM json_each(:owners))
ORDER BY id;
