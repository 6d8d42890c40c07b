-- Adds an event of a span, or the record of a log record. The merge pairs them again, so the other record of a pair is left
-- out, and so is the session, which is that of the span or log record.
INSERT INTO _events (
  id, span, log, source, ordinal, phase, name, time_unix_nano, time_source, stem, recorded_name, dropped_attributes,
  attribute_types, attributes
)
VALUES (
  :id, :span, :log, :source, :ordinal, :phase, :name, :time_unix_nano, :time_source, :stem, :recorded_name,
  :dropped_attributes, :attribute_types, :attributes
);
