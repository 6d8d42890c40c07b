CREATE VIEW row_counts AS
-- One row: the numbers of rows of these views. It reads them from an index, which is much faster than counting.
SELECT
  (SELECT count(*) FROM _sessions AS x WHERE x.end_time_unix_nano IS NOT NULL) AS sessions,
  (SELECT count(*) FROM _traces AS t) - (SELECT count(*) FROM _traces AS t WHERE t.trace_id = '') AS traces,
  (SELECT count(*) FROM _spans AS s) AS spans,
  (SELECT count(*) FROM _spans AS s) + (SELECT count(*) FROM _spans AS s WHERE s.finish_record IS NOT NULL)
    + (SELECT count(*) FROM _events AS e) AS events,
  (SELECT count(*) FROM _links AS l) AS links,
  (SELECT count(*) FROM _logs AS l) AS logs,
  (SELECT count(*) FROM _llm_interactions AS i) - (SELECT count(*) FROM _llm_interactions AS i WHERE i.counted = 0 AND i.is_hidden = 1) AS complete_llm_interactions,
  (SELECT count(*) FROM _tool_interactions AS i) - (SELECT count(*) FROM _tool_interactions AS i WHERE i.counted = 0 AND i.is_hidden = 1) AS complete_tool_interactions,
  (SELECT count(*) FROM _llm_interactions AS i) - (SELECT count(*) FROM _llm_interactions AS i WHERE i.counted = 0) AS counted_llm_interactions,
  (SELECT count(*) FROM _tool_interactions AS i) - (SELECT count(*) FROM _tool_interactions AS i WHERE i.counted = 0) AS counted_tool_interactions,
  (SELECT count(*) FROM _scores AS c) AS scores,
  (SELECT count(*) FROM _instruments AS n) AS metrics,
  (SELECT count(*) FROM _metric_points AS p) AS metric_points,
  (SELECT count(*) FROM _exemplars AS m) AS exemplars;
