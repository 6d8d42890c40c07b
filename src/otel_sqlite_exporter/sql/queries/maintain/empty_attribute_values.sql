-- Removes some values of an index that is being dropped.
DELETE FROM _attribute_values
WHERE (attribute, value, record) IN (SELECT a.attribute, a.value, a.record FROM _attribute_values AS a WHERE a.attribute = :attribute LIMIT :limit);
