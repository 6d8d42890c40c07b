-- The last id that _rewritten_traces has or had.
SELECT max(
  (SELECT coalesce(max(w.id), 0) FROM _rewritten_traces AS w), (SELECT coalesce(max(a.last_rewrite), 0) FROM _archives AS a)
);
