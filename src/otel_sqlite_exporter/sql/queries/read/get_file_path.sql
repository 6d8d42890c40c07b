-- The path of the file as bytes: names of files need not be Unicode.
SELECT CAST(file AS BLOB)
FROM pragma_database_list
WHERE name = 'main';
