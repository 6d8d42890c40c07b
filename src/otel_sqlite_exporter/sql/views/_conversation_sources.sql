CREATE VIEW _conversation_sources AS
-- One row for each attribute that names a conversation, the strongest first, with its path in attributes. Where is_json is
-- 1, the keys conversation_id, thread_id and threadId of its JSON do. Private.
SELECT column1 AS name, '$."' || column1 || '"' AS path, column2 AS is_json
FROM (
  VALUES
    ('gen_ai.conversation.id', 0),
    ('conversation.id', 0),
    ('conversation_id', 0),
    ('thread_id', 0),
    ('thread.id', 0),
    ('langsmith.metadata.conversation_id', 0),
    ('langsmith.metadata.thread_id', 0),
    ('traceloop.association.properties.thread_id', 0),
    ('langfuse.trace.metadata.thread_id', 0),
    ('langfuse.observation.metadata.thread_id', 0),
    ('metadata.thread_id', 0),
    ('metadata', 1),
    ('langfuse.trace.metadata', 1),
    ('langfuse.observation.metadata', 1),
    ('langsmith.metadata', 1),
    ('traceloop.association.properties', 1)
);
