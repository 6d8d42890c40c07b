DROP TABLE IF EXISTS _legacy_attributes;
DROP TABLE IF EXISTS _legacy_details;
