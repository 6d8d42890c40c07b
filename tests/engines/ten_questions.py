# SPDX-License-Identifier: Apache-2.0
"""Questions that people ask of the public views, in standard SQL.

Each engine has its own words for an attribute, and ClickHouse for two things more: of `sum(1e0 * x)`, it would multiply
the sum, which overflows; and without its setting, an outer join fills with empty values.
"""

from __future__ import annotations

_ATTRIBUTES = {
    "sqlite": """{} ->> '$."{}"'""",
    "duckdb": """{} ->> '$."{}"'""",
    "clickhouse": "JSONExtract({}, '{}', 'Nullable(String)')",
    "spark": """get_json_object({}, "$['{}']")""",
}
PAIRS = "pairs by method"
QUESTIONS = {
    "tokens and cost by model": """
      SELECT model, count(*) AS calls, sum({input_tokens}) AS i, sum({output_tokens}) AS o,
        sum({total_tokens}) AS t, sum(cost_usd) AS cost, sum(is_unpriced) AS unpriced
      FROM complete_llm_interactions WHERE counted = 1 GROUP BY model""",
    "tokens by day and user": """
      SELECT substr(request_timestamp, 1, 10) AS day_of_call, user_id, sum({total_tokens}) AS t
      FROM complete_llm_interactions WHERE counted = 1 GROUP BY substr(request_timestamp, 1, 10), user_id""",
    "failed calls by kind": """
      SELECT model, error_type, error_message, count(*) AS n FROM complete_llm_interactions
      WHERE status = 'error' GROUP BY model, error_type, error_message""",
    "newest sessions": """
      SELECT session_id, user_id, service_name, status, traces, spans, logs, llm_calls, errors, total_tokens, cost_usd
      FROM sessions ORDER BY end_time_unix_nano DESC, session_id LIMIT 6""",
    "one session, call by call": """
      SELECT trace_id, span_id, agent_name, model, total_tokens, prompt, completion, request_timestamp
      FROM complete_llm_interactions WHERE session_id = '{session}' ORDER BY start_time_unix_nano, id""",
    "one trace": """
      SELECT s.span_id, s.parent_span_id, s.name, s.kind, s.status, s.start_time, s.duration_ms, s.attributes,
        p.name AS parent_name
      FROM spans AS s
      LEFT JOIN (SELECT span_id, name FROM spans WHERE trace_id = '{trace}') AS p ON p.span_id = s.parent_span_id
      WHERE s.trace_id = '{trace}'""",
    "slowest traces": """
      SELECT trace_id, name, service_name, user_id, status, spans, llm_calls, total_tokens, score_means
      FROM traces ORDER BY duration_ms DESC, trace_id LIMIT 10""",
    "error rate by service and name": """
      SELECT service_name, name, count(*) AS n, sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS failed,
        avg(duration_ms) AS mean_ms
      FROM spans GROUP BY service_name, name""",
    "spans by an attribute": """
      SELECT {attribute} AS found, count(*) AS n FROM spans GROUP BY {attribute}""",
    "cost by user": """
      SELECT user_id, coalesce(sum(cost_usd), 0) AS cost, count(*) AS calls
      FROM complete_llm_interactions WHERE counted = 1 AND user_id IS NOT NULL
      GROUP BY user_id ORDER BY coalesce(sum(cost_usd), 0) DESC, user_id LIMIT 20""",
    PAIRS: """
      SELECT s.source, s.link_method, s.name, count(*) AS pairs, sum(s.duration_ms) AS ms, count(f.session_id) AS named
      FROM events AS s JOIN events AS f ON f.id = s.related_event_id AND f.related_event_id = s.id
      WHERE s.phase = 'start' GROUP BY s.source, s.link_method, s.name""",
}


_NUMBERS = ("input_tokens", "output_tokens", "total_tokens")


def put_questions(engine: str, trace_id: str, session_id: str = "both") -> dict[str, str]:
    """Return the questions in the words of `sqlite`, `duckdb`, `clickhouse` or `spark`, about a trace and a session."""
    attribute = _ATTRIBUTES[engine].format("attributes", "http.response.status_code")
    number, settings = ("toFloat64({})", " SETTINGS join_use_nulls = 1") if engine == "clickhouse" else ("1e0 * {}", "")
    words = {name: number.format(name) for name in _NUMBERS}
    words |= {
        "trace": trace_id,
        "session": session_id,
        "attribute": f"CAST({attribute} AS TEXT)" if engine == "sqlite" else attribute,
    }
    return {name: sql.format(**words) + settings for name, sql in QUESTIONS.items()}
