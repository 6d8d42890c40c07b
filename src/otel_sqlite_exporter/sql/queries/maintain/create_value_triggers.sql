-- Keeps the values of indexed attributes while records are written, changed and removed. The old value is read before
-- its record changes. Not among the triggers of every file: they cost each batch something.
CREATE TRIGGER IF NOT EXISTS _spans_value_added AFTER INSERT ON _spans BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _span_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _spans_value_changes BEFORE UPDATE OF attributes, texts ON _spans BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _span_values AS v WHERE v.record = old.id);
END;
CREATE TRIGGER IF NOT EXISTS _spans_value_changed AFTER UPDATE OF attributes, texts ON _spans BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _span_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _spans_value_removed BEFORE DELETE ON _spans BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _span_values AS v WHERE v.record = old.id);
END;
CREATE TRIGGER IF NOT EXISTS _events_value_added AFTER INSERT ON _events WHEN new.source = 1 BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _event_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _events_value_changes BEFORE UPDATE OF attributes ON _events WHEN old.source = 1 BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _event_values AS v WHERE v.record = old.id);
END;
CREATE TRIGGER IF NOT EXISTS _events_value_changed AFTER UPDATE OF attributes ON _events WHEN new.source = 1 BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _event_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _events_value_removed BEFORE DELETE ON _events WHEN old.source = 1 BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _event_values AS v WHERE v.record = old.id);
END;
CREATE TRIGGER IF NOT EXISTS _logs_value_added AFTER INSERT ON _logs BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _log_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _logs_value_changes BEFORE UPDATE OF attributes ON _logs BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _log_values AS v WHERE v.record = old.id);
END;
CREATE TRIGGER IF NOT EXISTS _logs_value_changed AFTER UPDATE OF attributes ON _logs BEGIN
  INSERT INTO _attribute_values (attribute, value, record)
  SELECT v.attribute, v.value, v.record FROM _log_values AS v WHERE v.record = new.id
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER IF NOT EXISTS _logs_value_removed BEFORE DELETE ON _logs BEGIN
  DELETE FROM _attribute_values
  WHERE (attribute, value, record) IN (SELECT v.attribute, v.value, v.record FROM _log_values AS v WHERE v.record = old.id);
END;
