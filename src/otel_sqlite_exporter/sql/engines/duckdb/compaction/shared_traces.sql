-- The traces that several manifests hold. Of these, one is always new: settled ones share none. Traces of the new ones are
-- few, so all others are read past them.
CREATE OR REPLACE TABLE shared AS
SELECT DISTINCT f.unit
FROM (
  SELECT DISTINCT t.unit, t.manifest
  FROM _traces AS t
  JOIN manifests AS m ON m.number = t.manifest
  WHERE NOT m.is_settled
) AS f
JOIN _traces AS t ON t.unit = f.unit AND t.manifest <> f.manifest;
