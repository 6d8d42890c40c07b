-- Adds the three rows of an attribute, if they are not there. What is written from now on, the triggers add.
INSERT INTO _attribute_keys (source, key, path, rest)
VALUES
  (0, :key, :path, (SELECT coalesce(max(s.id), 0) FROM _spans AS s)),
  (1, :key, :path, (SELECT coalesce(max(e.id), 0) FROM _events AS e)),
  (2, :key, :path, (SELECT coalesce(max(l.id), 0) FROM _logs AS l))
ON CONFLICT DO NOTHING;
