-- What a sound file has none of, in one row.
SELECT
  (
    SELECT count(*) FROM _events AS e LEFT JOIN _events AS f ON f.id = e.related_event
    WHERE e.related_event IS NOT NULL AND f.related_event IS NOT e.id
  ) AS one_sided_links,
  (
    SELECT count(*) FROM _events AS e
    WHERE e.source = 0 AND e.related_event IS NULL AND NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = e.span)
  ) AS missing_links,
  (
    SELECT coalesce(sum(p.spans), 0)
    FROM _trace_sessions AS p JOIN _shown_sessions AS w ON w.trace_session = p.id
    WHERE p.session IS NOT w.session
  ) AS spans_without_session;
