-- How start and finish records are linked, in the whole file.
-- Plan: that of the view link_health.
SELECT linked_by_span, linked_by_temporal, orphan_starts, orphan_finishes, running
FROM link_health;
