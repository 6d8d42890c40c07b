-- Ids of the rows of _llm_interactions with a span, span event or log record whose indexed attribute :indexed_key has a
-- value from :low to :high.
WITH
  found AS MATERIALIZED (
    SELECT k.source, a.record
    FROM _attribute_keys AS k
    CROSS JOIN _attribute_values AS a ON a.attribute = k.id AND a.value BETWEEN :low AND :high
    WHERE k.key = :indexed_key
  ),
  records (event) AS MATERIALIZED (
    SELECT f.record FROM found AS f WHERE f.source = 1
    UNION ALL
    SELECT e.id FROM found AS f CROSS JOIN _events AS e ON e.log = f.record WHERE f.source = 2
  )
SELECT i.id FROM found AS f CROSS JOIN _llm_interactions AS i ON i.span = f.record WHERE f.source = 0
UNION ALL
SELECT i.id FROM records AS r CROSS JOIN _llm_interactions AS i ON i.event = r.event
UNION ALL
SELECT i.id FROM records AS r CROSS JOIN _llm_interactions AS i ON i.start_event = r.event
