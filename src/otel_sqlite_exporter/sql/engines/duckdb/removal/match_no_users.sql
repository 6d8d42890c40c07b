-- No units, before those of users are added.
CREATE OR REPLACE TABLE matched (unit VARCHAR);
