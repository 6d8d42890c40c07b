-- A row if the file has a search index.
SELECT 1 FROM sqlite_schema WHERE name = '_search_documents';
