-- Values that no version of this package writes, such as JSON that cannot be read: by table and column, how many, and
-- the key of the first. Each row is under its first such column. One pass over each table of records.
-- What begins with a brace and is JSON is an object: to ask for its type would parse it again.
SELECT found.table_name, found.column_name, count(*) AS "values", min(found.id) AS first_id
FROM (
  SELECT '_spans' AS table_name, s.id, CASE
    WHEN s.texts IS NOT NULL AND NOT json_valid(s.texts) THEN 'texts'
    WHEN json_type(s.texts) <> 'array' THEN 'texts'
    WHEN NOT json_valid(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) THEN 'attributes'
    WHEN json_type(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) <> 'object' THEN 'attributes'
    WHEN s.attribute_types IS NOT NULL AND NOT json_valid(s.attribute_types) THEN 'attribute_types'
    WHEN s.attribute_types NOT GLOB '{*' AND json_type(s.attribute_types) <> 'object' THEN 'attribute_types'
    WHEN s.start_attributes IS NOT NULL AND NOT json_valid(s.start_attributes) THEN 'start_attributes'
    WHEN json_type(s.start_attributes) <> 'object' THEN 'start_attributes'
    WHEN s.start_attribute_types IS NOT NULL AND NOT json_valid(s.start_attribute_types) THEN 'start_attribute_types'
    WHEN json_type(s.start_attribute_types) <> 'object' THEN 'start_attribute_types'
    WHEN s.kind NOT BETWEEN 0 AND 4 THEN 'kind'
    WHEN s.status_code NOT BETWEEN 0 AND 2 THEN 'status_code'
    WHEN length(s.span_id) <> 16 OR s.span_id GLOB '*[^0-9a-f]*' THEN 'span_id'
    WHEN length(s.parent_span_id) <> 16 OR s.parent_span_id GLOB '*[^0-9a-f]*' THEN 'parent_span_id'
  END AS column_name FROM _spans AS s
  UNION ALL
  SELECT '_links', l.id, CASE
    WHEN NOT json_valid(l.attributes) THEN 'attributes'
    WHEN l.attributes NOT GLOB '{*' AND json_type(l.attributes) <> 'object' THEN 'attributes'
    WHEN l.attribute_types IS NOT NULL AND NOT json_valid(l.attribute_types) THEN 'attribute_types'
    WHEN l.attribute_types NOT GLOB '{*' AND json_type(l.attribute_types) <> 'object' THEN 'attribute_types'
    WHEN length(l.linked_trace_id) <> 32 OR l.linked_trace_id GLOB '*[^0-9a-f]*' THEN 'linked_trace_id'
    WHEN length(l.linked_span_id) <> 16 OR l.linked_span_id GLOB '*[^0-9a-f]*' THEN 'linked_span_id'
  END FROM _links AS l
  UNION ALL
  SELECT '_events', e.id, CASE
    WHEN e.attributes IS NOT NULL AND NOT json_valid(e.attributes) THEN 'attributes'
    WHEN e.attributes NOT GLOB '{*' AND json_type(e.attributes) <> 'object' THEN 'attributes'
    WHEN e.attribute_types IS NOT NULL AND NOT json_valid(e.attribute_types) THEN 'attribute_types'
    WHEN e.attribute_types NOT GLOB '{*' AND json_type(e.attribute_types) <> 'object' THEN 'attribute_types'
  END FROM _events AS e
  UNION ALL
  SELECT '_logs', l.id, CASE
    WHEN NOT json_valid(l.attributes) THEN 'attributes'
    WHEN l.attributes NOT GLOB '{*' AND json_type(l.attributes) <> 'object' THEN 'attributes'
    WHEN l.attribute_types IS NOT NULL AND NOT json_valid(l.attribute_types) THEN 'attribute_types'
    WHEN l.attribute_types NOT GLOB '{*' AND json_type(l.attribute_types) <> 'object' THEN 'attribute_types'
    WHEN l.body IS NOT NULL AND NOT json_valid(l.body) THEN 'body'
    WHEN l.body_type IS NOT NULL AND NOT json_valid(l.body_type) THEN 'body_type'
    WHEN l.body_type NOT GLOB '{*' AND json_type(l.body_type) <> 'object' THEN 'body_type'
    WHEN length(l.span_id) <> 16 OR l.span_id GLOB '*[^0-9a-f]*' THEN 'span_id'
  END FROM _logs AS l
  UNION ALL
  SELECT '_resources', r.id, CASE
    WHEN NOT json_valid(r.attributes) THEN 'attributes'
    WHEN r.attributes NOT GLOB '{*' AND json_type(r.attributes) <> 'object' THEN 'attributes'
    WHEN r.attribute_types IS NOT NULL AND NOT json_valid(r.attribute_types) THEN 'attribute_types'
    WHEN r.attribute_types NOT GLOB '{*' AND json_type(r.attribute_types) <> 'object' THEN 'attribute_types'
  END FROM _resources AS r
  UNION ALL
  SELECT '_scopes', c.id, CASE
    WHEN NOT json_valid(c.attributes) THEN 'attributes'
    WHEN c.attributes NOT GLOB '{*' AND json_type(c.attributes) <> 'object' THEN 'attributes'
    WHEN c.attribute_types IS NOT NULL AND NOT json_valid(c.attribute_types) THEN 'attribute_types'
    WHEN c.attribute_types NOT GLOB '{*' AND json_type(c.attribute_types) <> 'object' THEN 'attribute_types'
  END FROM _scopes AS c
  UNION ALL
  SELECT '_traces', t.id, iif(
    t.trace_id <> '' AND (length(t.trace_id) <> 32 OR t.trace_id GLOB '*[^0-9a-f]*'), 'trace_id', NULL
  ) FROM _traces AS t
  UNION ALL
  SELECT '_llm_interactions', i.id, CASE
    WHEN i.own_facts IS NOT NULL AND NOT json_valid(i.own_facts) THEN 'own_facts'
    WHEN i.own_facts NOT GLOB '{*' AND json_type(i.own_facts) <> 'object' THEN 'own_facts'
    WHEN i.finish_reasons IS NOT NULL AND NOT json_valid(i.finish_reasons) THEN 'finish_reasons'
    WHEN i.request_parameters IS NOT NULL AND NOT json_valid(i.request_parameters) THEN 'request_parameters'
    WHEN i.system_instructions <> '' AND NOT json_valid(i.system_instructions) THEN 'system_instructions'
    WHEN i.prompt <> '' AND NOT json_valid(i.prompt) THEN 'prompt'
    WHEN i.completion <> '' AND NOT json_valid(i.completion) THEN 'completion'
  END FROM _llm_interactions AS i
  UNION ALL
  SELECT '_tool_interactions', i.id, CASE
    WHEN i.own_facts IS NOT NULL AND NOT json_valid(i.own_facts) THEN 'own_facts'
    WHEN i.own_facts NOT GLOB '{*' AND json_type(i.own_facts) <> 'object' THEN 'own_facts'
  END FROM _tool_interactions AS i
  UNION ALL
  SELECT '_instruments', i.id, CASE
    WHEN NOT json_valid(i.metadata) THEN 'metadata'
    WHEN i.metadata NOT GLOB '{*' AND json_type(i.metadata) <> 'object' THEN 'metadata'
    WHEN i.metadata_types IS NOT NULL AND NOT json_valid(i.metadata_types) THEN 'metadata_types'
    WHEN i.kind NOT IN ('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary') THEN 'kind'
    WHEN i.temporality NOT IN ('delta', 'cumulative') THEN 'temporality'
  END FROM _instruments AS i
  UNION ALL
  SELECT '_metric_series', m.id, CASE
    WHEN NOT json_valid(m.attributes) THEN 'attributes'
    WHEN m.attributes NOT GLOB '{*' AND json_type(m.attributes) <> 'object' THEN 'attributes'
    WHEN m.attribute_types IS NOT NULL AND NOT json_valid(m.attribute_types) THEN 'attribute_types'
  END FROM _metric_series AS m
  UNION ALL
  SELECT '_histogram_bounds', b.id, CASE
    WHEN NOT json_valid(b.bounds) THEN 'bounds'
    WHEN json_type(b.bounds) <> 'array' THEN 'bounds'
  END FROM _histogram_bounds AS b
  UNION ALL
  -- A row of these two is told by its series.
  SELECT '_metric_points', p.series, CASE
    WHEN p.buckets IS NOT NULL AND NOT json_valid(p.buckets) THEN 'buckets'
    WHEN json_type(p.buckets) <> 'array' THEN 'buckets'
    WHEN typeof(p.value) = 'blob' OR (
      typeof(p.value) = 'text' AND p.value NOT IN ('NaN', 'Infinity', '-Infinity') AND ltrim(p.value, '-') GLOB '*[^0-9]*'
    ) THEN 'value'
    WHEN typeof(p.value_count) = 'blob' OR (
      typeof(p.value_count) = 'text' AND p.value_count NOT IN ('NaN', 'Infinity', '-Infinity') AND ltrim(p.value_count, '-') GLOB '*[^0-9]*'
    ) THEN 'value_count'
    WHEN typeof(p.sum) = 'blob' OR (
      typeof(p.sum) = 'text' AND p.sum NOT IN ('NaN', 'Infinity', '-Infinity') AND ltrim(p.sum, '-') GLOB '*[^0-9]*'
    ) THEN 'sum'
    WHEN typeof(p.min) = 'blob' OR (
      typeof(p.min) = 'text' AND p.min NOT IN ('NaN', 'Infinity', '-Infinity') AND ltrim(p.min, '-') GLOB '*[^0-9]*'
    ) THEN 'min'
    WHEN typeof(p.max) = 'blob' OR (
      typeof(p.max) = 'text' AND p.max NOT IN ('NaN', 'Infinity', '-Infinity') AND ltrim(p.max, '-') GLOB '*[^0-9]*'
    ) THEN 'max'
  END FROM _metric_points AS p
  UNION ALL
  SELECT '_exemplars', e.series, CASE
    WHEN NOT json_valid(e.attributes) THEN 'attributes'
    WHEN e.attributes NOT GLOB '{*' AND json_type(e.attributes) <> 'object' THEN 'attributes'
    WHEN e.attribute_types IS NOT NULL AND NOT json_valid(e.attribute_types) THEN 'attribute_types'
    WHEN length(e.trace_id) <> 32 OR e.trace_id GLOB '*[^0-9a-f]*' THEN 'trace_id'
    WHEN length(e.span_id) <> 16 OR e.span_id GLOB '*[^0-9a-f]*' THEN 'span_id'
  END FROM _exemplars AS e
) AS found
WHERE found.column_name IS NOT NULL
GROUP BY found.table_name, found.column_name
ORDER BY found.table_name, found.column_name;
