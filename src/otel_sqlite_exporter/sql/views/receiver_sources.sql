CREATE VIEW receiver_sources AS
-- One row for each sender, service and signal of what was received by OTLP, with counters since the first request.
-- received = stored + duplicate + rejected, in records. duplicate counts records that the file had already;
-- rejected_reasons is a JSON object of the rejected records by reason. retried_requests counts requests that came again:
-- their records are duplicates. sent_bytes is the size of the bodies as they were sent; that of a request with several
-- services is shared out by records. Beyond 1,000 sources, new ones are one row for each signal: '(others)'.
SELECT
  r.sender,
  r.service_name,
  r.signal,
  r.received,
  r.stored,
  r.duplicate,
  r.received - r.stored - r.duplicate AS rejected,
  r.rejected AS rejected_reasons,
  r.retried AS retried_requests,
  r.sent_bytes,
  strftime('%Y-%m-%dT%H:%M:%S', r.last_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', r.last_seen_unix_nano / 1000 % 1000000) AS last_seen,
  r.last_seen_unix_nano
FROM _receiver_sources AS r;
