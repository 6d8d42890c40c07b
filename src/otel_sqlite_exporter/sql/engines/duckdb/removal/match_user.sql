-- Adds the units with a record that may name the user $name. $needle is a part of the name that stands in JSON as it is.
INSERT INTO matched
SELECT t.unit FROM _traces AS t WHERE t.user_id = $name
UNION
SELECT c.unit FROM _llm_interactions AS c WHERE c.user_id = $name
UNION
SELECT c.unit FROM _tool_interactions AS c WHERE c.user_id = $name
UNION
SELECT s.unit FROM _spans AS s
WHERE contains(s.attributes, $needle) OR contains(s._start_attributes, $needle) OR contains(s.resource_attributes, $needle)
UNION
SELECT e.unit FROM _events AS e WHERE contains(e.attributes, $needle)
UNION
SELECT l.unit FROM _logs AS l WHERE contains(l.attributes, $needle) OR contains(l.resource_attributes, $needle);
