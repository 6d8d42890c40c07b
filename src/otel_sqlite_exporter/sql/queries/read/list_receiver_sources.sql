-- What was received by OTLP, from the sources that sent last. Parameter: limit. Plan: all sources, of which a file has a
-- thousand at most.
SELECT s.* FROM receiver_sources AS s ORDER BY s.last_seen_unix_nano DESC, s.sender, s.service_name, s.signal LIMIT :limit;
