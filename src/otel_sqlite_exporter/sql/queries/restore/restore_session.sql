-- Adds the name of a session.
INSERT INTO _sessions (session_id) VALUES (:session_id) ON CONFLICT (session_id) DO NOTHING;
