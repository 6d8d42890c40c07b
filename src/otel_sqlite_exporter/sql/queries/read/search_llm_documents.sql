-- The latest first. The table has no alias: with one, MATCH would refer to a column, and the index holds no columns.
SELECT d.interaction AS id
FROM _search_llm
CROSS JOIN _search_documents AS d ON d.id = _search_llm.rowid
WHERE _search_llm MATCH :match AND d.interaction IS NOT NULL
ORDER BY _search_llm.rowid DESC;
