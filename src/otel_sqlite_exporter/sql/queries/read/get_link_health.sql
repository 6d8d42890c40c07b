-- How start and finish records were linked.
SELECT records, linked, linked_by_span, linked_by_temporal, orphan_starts, orphan_finishes, success_rate
FROM link_health;
