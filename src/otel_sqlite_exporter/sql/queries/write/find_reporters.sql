-- All reporters of services, as JSON: [[id, service, source, scope, dialect, is_aggregate], ...]; and whether any service
-- has one that reports agents or workflows, as 0 or 1. :services is an array of names.
SELECT
  (
    SELECT json_group_array(json_array(r.id, r.service_name, r.source, r.scope_name, r.dialect, r.is_aggregate))
    FROM json_each(:services) AS w
    CROSS JOIN _reporters AS r ON r.service_name = w.value
  ) AS reporters,
  EXISTS (SELECT 1 FROM _reporters AS r WHERE r.is_aggregate = 1) AS has_aggregates;
