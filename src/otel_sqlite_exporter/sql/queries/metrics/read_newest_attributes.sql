-- The attribute keys of the newest spans that were written after the span :after, by service: the number of spans that
-- have the key, and the bytes of key and values.
-- Plan: the newest spans by their key, up to :sample, and their attributes parsed; no other spans are read.
WITH
  sample AS (
    SELECT service_name, attributes
    FROM spans
    WHERE id > :after
    ORDER BY id DESC
    LIMIT :sample
  )
SELECT
  ifnull(s.service_name, '') AS service,
  a.key,
  count(*) AS spans,
  sum(length(CAST(a.key AS BLOB)) + ifnull(length(CAST(a.value AS BLOB)), 0)) AS bytes
FROM sample AS s, json_each(s.attributes) AS a
GROUP BY 1, 2
ORDER BY 4 DESC, 1, 2;
