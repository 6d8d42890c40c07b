-- Adds a resource that records come from.
INSERT INTO _resources (digest, service_name, schema_url, attribute_types, attributes)
VALUES (:digest, :service_name, :schema_url, :attribute_types, :attributes)
ON CONFLICT (digest) DO NOTHING;
