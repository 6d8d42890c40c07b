-- The full-text indexes of the user: virtual tables of fts3, fts4 and fts5 that are not of the package.
SELECT t.name
FROM sqlite_schema AS t
WHERE t.type = 'table' AND lower(t.sql) GLOB 'create virtual table*using*fts[345]*' AND t.name NOT IN ('_search_llm', '_search_tool')
ORDER BY t.name;
