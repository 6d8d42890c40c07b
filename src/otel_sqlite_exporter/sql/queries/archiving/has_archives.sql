-- Whether a day of this file is in a dataset.
SELECT EXISTS (SELECT 1 FROM _archives AS a WHERE a.is_complete = 1);
