-- What a sound file has none of, in one row.
SELECT
  (
    SELECT count(*) FROM _events AS e LEFT JOIN _events AS f ON f.id = e.related_event
    WHERE e.related_event IS NOT NULL AND f.related_event IS NOT e.id
  ) AS one_sided_links,
  (
    SELECT coalesce(sum(p.spans), 0)
    FROM _trace_sessions AS p JOIN _shown_sessions AS w ON w.trace_session = p.id
    WHERE p.session IS NOT w.session
  ) AS spans_without_session;
