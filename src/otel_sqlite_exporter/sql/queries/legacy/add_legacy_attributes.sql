INSERT INTO _legacy_attributes (kind, owner, is_orphan, attribute_types, attributes) VALUES (:kind, :owner, :is_orphan, :attribute_types, :attributes);
