-- The last id of each table whose ids must not come again, as one JSON object, and those that were noted when their rows were
-- removed, likewise. records: of spans, their finish records and events.
SELECT
  json_object(
    '_resources', (SELECT coalesce(max(id), 0) FROM _resources),
    '_scopes', (SELECT coalesce(max(id), 0) FROM _scopes),
    '_sessions', (SELECT coalesce(max(id), 0) FROM _sessions),
    '_traces', (SELECT coalesce(max(id), 0) FROM _traces),
    'records', max(
      (SELECT coalesce(max(id), 0) FROM _spans),
      (SELECT coalesce(max(finish_record), 0) FROM _spans WHERE finish_record IS NOT NULL),
      (SELECT coalesce(max(id), 0) FROM _events)
    ),
    '_logs', (SELECT coalesce(max(id), 0) FROM _logs),
    '_texts', (SELECT coalesce(max(id), 0) FROM _texts),
    '_instruments', (SELECT coalesce(max(id), 0) FROM _instruments),
    '_metric_series', (SELECT coalesce(max(id), 0) FROM _metric_series),
    '_llm_interactions', (SELECT coalesce(max(id), 0) FROM _llm_interactions),
    '_tool_interactions', (SELECT coalesce(max(id), 0) FROM _tool_interactions)
  ) AS last_ids,
  ifnull((SELECT x.value FROM _state AS x WHERE x.name = 'last ids'), '{}') AS removed_ids;
