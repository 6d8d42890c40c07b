-- The next ids of _spans, up to :last, as a JSON array.
SELECT json_group_array(id)
FROM (SELECT id FROM _spans WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit);
