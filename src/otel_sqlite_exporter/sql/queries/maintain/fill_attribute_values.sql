-- Adds the values of the records from :after (not included) to :upto to the index :attribute.
INSERT INTO _attribute_values (attribute, value, record)
SELECT v.attribute, v.value, v.record
FROM (
  SELECT s.attribute, s.value, s.record FROM _span_values AS s WHERE :source = 0 AND s.record > :after AND s.record <= :upto
  UNION ALL
  SELECT e.attribute, e.value, e.record FROM _event_values AS e WHERE :source = 1 AND e.record > :after AND e.record <= :upto
  UNION ALL
  SELECT l.attribute, l.value, l.record FROM _log_values AS l WHERE :source = 2 AND l.record > :after AND l.record <= :upto
) AS v
WHERE v.attribute = :attribute
ON CONFLICT DO NOTHING;
