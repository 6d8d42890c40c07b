-- The rules that derived rows since :since (nanoseconds): version of the package, digest of its rules, and settings.
SELECT DISTINCT package_version, rules, rule_settings
FROM _exporter_runs
WHERE last_write_unix_nano > :since AND written + opened + replayed > 0
ORDER BY 1, 2, 3;
