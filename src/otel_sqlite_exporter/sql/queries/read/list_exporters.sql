-- The exporters that wrote last, the newest first. Parameter: limit. Plan: all exporters, of which a file has few.
SELECT h.* FROM exporter_health AS h ORDER BY h.last_write DESC LIMIT :limit;
