-- The runs of delete that were not completed: their keys in the ledger, their ids, and their rules.
SELECT n.deletion, d.run_id, n.name
FROM _deletion_names AS n
JOIN _deletions AS d ON d.id = n.deletion
WHERE n.kind = 0
ORDER BY n.id;
