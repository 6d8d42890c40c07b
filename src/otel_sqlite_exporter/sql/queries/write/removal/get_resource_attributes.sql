-- The attributes of a resource, and their types. :resource is its id.
SELECT attributes, attribute_types FROM _resources WHERE id = :resource;
