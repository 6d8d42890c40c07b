-- How many traces, spans and log records do not stay, and how many of these traces show no session.
SELECT
  (SELECT count(DISTINCT t.unit) FROM _traces AS t ANTI JOIN kept AS k ON k.unit = t.unit),
  (SELECT count(DISTINCT t.unit) FROM _traces AS t ANTI JOIN kept AS k ON k.unit = t.unit WHERE t.session_id IS NULL),
  (SELECT count(*) FROM _spans AS s ANTI JOIN kept AS k ON k.unit = s.unit),
  (SELECT count(*) FROM _logs AS l ANTI JOIN kept AS k ON k.unit = l.unit);
