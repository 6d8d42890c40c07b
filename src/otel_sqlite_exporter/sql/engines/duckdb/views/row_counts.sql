CREATE OR REPLACE VIEW row_counts AS
-- One row: the numbers of rows of these views.
SELECT
  (SELECT count(DISTINCT x.session_id) FROM _sessions AS x WHERE x.spans + x.logs > 0) AS sessions,
  (SELECT count(*) FROM _traces AS t) AS traces,
  (SELECT count(*) FROM _spans AS s) AS spans,
  (SELECT count(*) + count(s._finish_id) FROM _spans AS s) + (SELECT count(*) FROM _events AS e) AS events,
  (SELECT count(*) FROM _links AS l) AS links,
  (SELECT count(*) FROM _logs AS l) AS logs,
  (SELECT count(*) FROM _llm_interactions AS i) AS complete_llm_interactions,
  (SELECT count(*) FROM _tool_interactions AS i) AS complete_tool_interactions,
  (SELECT count(*) FROM _llm_interactions AS i WHERE i.counted = 1) AS counted_llm_interactions,
  (SELECT count(*) FROM _tool_interactions AS i WHERE i.counted = 1) AS counted_tool_interactions,
  (SELECT count(*) FROM scores AS c) AS scores,
  (SELECT count(*) FROM metrics AS n) AS metrics,
  (SELECT count(*) FROM metric_points AS m) AS metric_points,
  (SELECT count(*) FROM exemplars AS z) AS exemplars;
