CREATE VIEW _conversation_sources AS
-- One row for each attribute that names a conversation, the first the strongest. Where is_json is 1, the keys
-- conversation_id, thread_id and threadId of its JSON do. Private.
SELECT w.value ->> 0 AS name, w.value ->> 1 AS is_json, w.key AS rank
FROM json_each('[
  ["gen_ai.conversation.id", 0],
  ["conversation.id", 0],
  ["conversation_id", 0],
  ["thread_id", 0],
  ["thread.id", 0],
  ["langsmith.metadata.conversation_id", 0],
  ["langsmith.metadata.thread_id", 0],
  ["traceloop.association.properties.thread_id", 0],
  ["langfuse.trace.metadata.thread_id", 0],
  ["langfuse.observation.metadata.thread_id", 0],
  ["metadata.thread_id", 0],
  ["metadata", 1],
  ["langfuse.trace.metadata", 1],
  ["langfuse.observation.metadata", 1],
  ["langsmith.metadata", 1],
  ["traceloop.association.properties", 1]
]') AS w;
