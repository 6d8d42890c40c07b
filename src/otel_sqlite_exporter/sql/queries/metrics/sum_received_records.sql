-- What was received by OTLP, from each source, the largest first.
-- Plan: one pass over the sources, of which there are at most some 1,000.
SELECT sender, service_name AS service, signal, received, stored, duplicate, rejected_reasons, retried_requests, sent_bytes, last_seen_unix_nano
FROM receiver_sources
ORDER BY received DESC, sender, service_name, signal;
