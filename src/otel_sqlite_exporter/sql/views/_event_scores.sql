CREATE VIEW _event_scores AS
-- One row for each event, with what _scores holds of it if it is a score. A value that is a text counts if it is a number
-- of JSON; else it is the label, unless there is one. A boolean is 1 or 0. Private.
SELECT
  v.event,
  v.trace_session,
  v.time_unix_nano,
  nullif(v.name, '') AS name,
  iif(v.number BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308, v.number, NULL) AS value,
  coalesce(nullif(v.label, ''), iif(v.kind = 'text' AND v.number IS NULL AND v.is_plain AND v.text NOT IN ('NaN', 'Infinity', '-Infinity', ''), v.text, NULL)) AS label,
  nullif(v.explanation, '') AS explanation,
  nullif(v.response_id, '') AS response_id,
  nullif(v.error_type, '') AS error_type
FROM (
  SELECT
    a.event,
    a.trace_session,
    a.time_unix_nano,
    CAST(a.attributes ->> '$."gen_ai.evaluation.name"' AS TEXT) AS name,
    CASE json_type(a.attributes, '$."gen_ai.evaluation.score.value"')
      WHEN 'integer' THEN CAST(a.attributes ->> '$."gen_ai.evaluation.score.value"' AS REAL)
      WHEN 'real' THEN CAST(a.attributes ->> '$."gen_ai.evaluation.score.value"' AS REAL)
      WHEN 'true' THEN 1.0
      WHEN 'false' THEN 0.0
      WHEN 'text' THEN CASE
        WHEN json_valid(a.attributes ->> '$."gen_ai.evaluation.score.value"')
          AND json_type(a.attributes ->> '$."gen_ai.evaluation.score.value"') IN ('integer', 'real')
        THEN CAST(a.attributes ->> '$."gen_ai.evaluation.score.value"' AS REAL)
      END
    END AS number,
    json_type(a.attributes, '$."gen_ai.evaluation.score.value"') AS kind,
    a.attributes ->> '$."gen_ai.evaluation.score.value"' AS text,
    json_type(a.attribute_types, '$."/gen_ai.evaluation.score.value"') IS NULL AS is_plain,
    CAST(a.attributes ->> '$."gen_ai.evaluation.score.label"' AS TEXT) AS label,
    CAST(a.attributes ->> '$."gen_ai.evaluation.explanation"' AS TEXT) AS explanation,
    CAST(a.attributes ->> '$."gen_ai.response.id"' AS TEXT) AS response_id,
    CAST(a.attributes ->> '$."error.type"' AS TEXT) AS error_type
  FROM (
    SELECT
      e.id AS event, e.trace_session, e.time_unix_nano, coalesce(e.attributes, l.attributes) AS attributes,
      iif(e.attributes IS NULL, l.attribute_types, e.attribute_types) AS attribute_types
    FROM _events AS e
    LEFT JOIN _logs AS l ON l.id = e.log
  ) AS a
) AS v;
