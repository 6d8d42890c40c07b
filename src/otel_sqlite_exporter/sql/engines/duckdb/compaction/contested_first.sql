-- What several manifests hold, or tie together, where not all of them were put together before.
CREATE OR REPLACE TABLE contested AS
SELECT s.unit FROM shared AS s
UNION
SELECT t.unit
FROM ties AS t
SEMI JOIN (
  SELECT o.tie
  FROM ties AS o
  JOIN manifests AS m ON m.number = o.manifest
  GROUP BY o.tie
  HAVING min(o.manifest) <> max(o.manifest) AND NOT bool_and(m.is_settled)
) AS w ON w.tie = t.tie;
