-- What is asked for. Of shared traces, what others have of them comes too, as it has the same unit.
CREATE OR REPLACE TABLE contested AS
SELECT s.unit FROM seeds AS s;
