-- Adds a scope that records come from.
INSERT INTO _scopes (digest, name, version, schema_url, attribute_types, attributes)
VALUES (:digest, :name, :version, :schema_url, :attribute_types, :attributes)
ON CONFLICT (digest) DO NOTHING;
