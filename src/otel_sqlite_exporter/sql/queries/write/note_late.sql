-- Notes how many data points and marks came whose day may be archived. :days is an array of [days since 1970-01-01, how many].
UPDATE _archives AS a SET late_records = a.late_records + w.value ->> 1
FROM json_each(:days) AS w
WHERE a.day = w.value ->> 0;
