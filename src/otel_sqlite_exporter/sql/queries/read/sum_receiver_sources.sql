-- The sums of what was received by OTLP, by signal. Plan: all sources, of which a file has a thousand at most.
SELECT
  s.signal,
  count(*) AS sources,
  sum(s.received) AS received,
  sum(s.stored) AS stored,
  sum(s.duplicate) AS duplicate,
  sum(s.rejected) AS rejected,
  sum(s.retried_requests) AS retried_requests,
  sum(s.sent_bytes) AS sent_bytes,
  max(s.last_seen) AS last_seen
FROM receiver_sources AS s
GROUP BY s.signal
ORDER BY s.signal;
