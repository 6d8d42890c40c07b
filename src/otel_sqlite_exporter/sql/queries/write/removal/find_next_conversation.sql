-- The first conversation after :after that texts are of, or null.
SELECT min(t.conversation) FROM _texts AS t WHERE t.conversation IS NOT NULL AND t.conversation > :after;
