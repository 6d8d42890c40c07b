-- What is tied to something contested. Run it until it adds nothing.
INSERT INTO contested
SELECT DISTINCT t.unit
FROM ties AS t
SEMI JOIN (SELECT o.tie FROM ties AS o SEMI JOIN contested AS c ON c.unit = o.unit) AS w ON w.tie = t.tie
ANTI JOIN contested AS c ON c.unit = t.unit;
