-- The numbers that people ask for first. The others of row_counts are not counted.
SELECT sessions, traces, spans, logs, complete_llm_interactions, complete_tool_interactions FROM row_counts;
