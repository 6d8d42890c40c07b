-- The counters of what a file received.
SELECT
  r.sender, r.service_name, r.signal, r.received, r.stored, r.duplicate, r.rejected, r.retried, r.sent_bytes,
  r.last_seen_unix_nano
FROM _receiver_sources AS r
ORDER BY r.id;
