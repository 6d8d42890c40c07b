-- Our tables, by name, without those of the search index, which SQLite checks itself.
SELECT name FROM sqlite_schema
WHERE type = 'table' AND name LIKE '\_%' ESCAPE '\' AND name NOT LIKE '\_search%' ESCAPE '\'
ORDER BY name;
