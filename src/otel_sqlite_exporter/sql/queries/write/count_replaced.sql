-- Counts spans that had ended and were written again: a merge that has read them before reads the file once more.
INSERT INTO _state (name, value) VALUES ('replaced spans', :number)
ON CONFLICT (name) DO UPDATE SET value = value + excluded.value;
