-- Adds :sources, each a list of the columns, to what is counted; a new one beyond :most is counted with others.
INSERT INTO _receiver_sources (
  sender, service_name, signal, received, stored, duplicate, rejected, retried, sent_bytes, last_seen_unix_nano
)
SELECT
  iif(g.has_row, g.sender, '(others)'), iif(g.has_row, g.service_name, '(others)'), g.signal,
  json_extract(g.value, '$[3]'), json_extract(g.value, '$[4]'), json_extract(g.value, '$[5]'),
  json_extract(g.value, '$[6]'), json_extract(g.value, '$[7]'), json_extract(g.value, '$[8]'), :now
FROM (
  SELECT
    n.value, n.sender, n.service_name, n.signal,
    EXISTS (
      SELECT 1 FROM _receiver_sources AS r
      WHERE r.sender = n.sender AND r.service_name = n.service_name AND r.signal = n.signal
    ) OR n.place + (SELECT coalesce(max(r.id), 0) FROM _receiver_sources AS r) < :most AS has_row
  FROM (
    SELECT
      s.key AS place, s.value, json_extract(s.value, '$[0]') AS sender,
      json_extract(s.value, '$[1]') AS service_name, json_extract(s.value, '$[2]') AS signal
    FROM json_each(:sources) AS s
  ) AS n
) AS g
WHERE true
ON CONFLICT (sender, service_name, signal) DO UPDATE SET
  received = received + excluded.received,
  stored = stored + excluded.stored,
  duplicate = duplicate + excluded.duplicate,
  rejected = iif(excluded.rejected = '{}', rejected, (
    SELECT json_group_object(b.key, b.records)
    FROM (
      SELECT j.key, sum(j.value) AS records
      FROM (
        SELECT o.key, o.value FROM json_each(_receiver_sources.rejected) AS o
        UNION ALL SELECT a.key, a.value FROM json_each(excluded.rejected) AS a
      ) AS j
      GROUP BY j.key
    ) AS b
  )),
  retried = retried + excluded.retried,
  sent_bytes = sent_bytes + excluded.sent_bytes,
  last_seen_unix_nano = max(last_seen_unix_nano, excluded.last_seen_unix_nano);
