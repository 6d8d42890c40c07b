# SPDX-License-Identifier: Apache-2.0
"""The tables of a dataset: their columns, types and order. `docs/dataset.md` describes them.

Most hold the rows of a public view as they were in the file, without what follows from other columns (texts of times).
Columns that begin with an underscore are private: they are what the writer needs to take the records in again.
Text is UTF-8, int is a signed 64-bit integer, real is a double; each column may be NULL. Each part also has `date`: the
day (UTC) of its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

ColumnType = Literal["text", "int", "real"]
FORMAT_VERSION = 1


class DatasetTable(NamedTuple):
    """One table of a dataset.

    Attributes:
        name: Also its folder.
        columns: The type of each column, by name, in order, without `date`.
        sort: The columns by which the rows of a part are sorted.
    """

    name: str
    columns: Mapping[str, ColumnType]
    sort: tuple[str, ...]


def _columns(text: str) -> dict[str, ColumnType]:
    """Read `name name:int name:real ...`; a name without a type is a text."""
    types: dict[str, ColumnType] = {"int": "int", "real": "real", "": "text"}
    return {name: types[type] for name, _, type in (word.partition(":") for word in text.split())}


_SCOPE_AND_RESOURCE = """
  scope_name scope_version scope_schema_url scope_attributes scope_attribute_types
  resource_schema_url resource_attributes resource_attribute_types
"""
_SUMS = """
  llm_calls:int input_tokens:int output_tokens:int total_tokens:int cost_usd:real unpriced_calls:int
  failed_calls:int failed_tools:int
"""

SPANS = DatasetTable(
    "spans",
    _columns(f"""
      trace_id span_id parent_span_id parent_is_remote:int session_id conversation_id user_id service_name name kind
      status status_code status_description start_time_unix_nano:int end_time_unix_nano:int start_time_source
      end_time_source trace_flags:int trace_state dropped_attributes:int dropped_events:int dropped_links:int
      {_SCOPE_AND_RESOURCE} attribute_types attributes id:int
      _finish_id:int _own_session_id _start_attribute_types _start_attributes
    """),
    ("service_name", "start_time_unix_nano", "id"),
)
EVENTS = DatasetTable(
    # Span events and log events alone: the start and the finish of a span follow from the span.
    "events",
    _columns("""
      id:int trace_id span_id session_id service_name source ordinal:int phase name start_time_unix_nano:int
      duration_ms:real time_source related_event_id:int link_method dropped_attributes:int attribute_types attributes
      _span:int _log:int _stem _recorded_name
    """),
    ("start_time_unix_nano", "id"),
)
LINKS = DatasetTable(
    "links",
    _columns("""
      trace_id span_id session_id ordinal:int linked_trace_id linked_span_id is_remote:int trace_flags:int trace_state
      dropped_attributes:int attribute_types attributes _span:int
    """),
    ("trace_id", "_span", "ordinal"),
)
LOGS = DatasetTable(
    "logs",
    _columns(f"""
      id:int trace_id span_id session_id service_name event_name severity_number:int severity_text body
      start_time_unix_nano:int observed_time_unix_nano:int time_source event_id:int trace_flags:int
      dropped_attributes:int {_SCOPE_AND_RESOURCE} body_type attribute_types attributes recorded_event_name
      _own_session_id _names_session:int
    """),
    ("service_name", "start_time_unix_nano", "id"),
)
LLM_INTERACTIONS = DatasetTable(
    "llm_interactions",
    _columns("""
      trace_id span_id parent_span_id session_id conversation_id user_id agent_name service_name name operation provider
      request_model response_model model start_id:int finish_id:int start_time_unix_nano:int end_time_unix_nano:int
      duration_ms:real time_to_first_token_ms:real input_tokens:int output_tokens:int total_tokens:int
      cached_input_tokens:int cache_creation_input_tokens:int reasoning_tokens:int counted:int finish_reasons
      response_id status error_type cost_usd:real cost_status prompt completion is_aggregate:int source
      dialect request_parameters system_instructions price_source price_date is_unpriced:int id:int error_message
      prompt_span_id _combined_attributes _span:int _has_failed:int _has_usage:int _scope_name
      _shows_others:int
    """),
    ("service_name", "start_time_unix_nano", "id"),
)
TOOL_INTERACTIONS = DatasetTable(
    "tool_interactions",
    _columns("""
      trace_id span_id parent_span_id session_id conversation_id user_id agent_name service_name name tool_name
      tool_call_id tool_type arguments result start_id:int finish_id:int start_time_unix_nano:int end_time_unix_nano:int
      duration_ms:real waiting_ms:real status error_type source dialect asked_by_span_id counted:int id:int
      error_message _combined_attributes _span:int _has_failed:int
    """),
    ("service_name", "start_time_unix_nano", "id"),
)
ERRORS = DatasetTable(
    "errors",
    _columns("""
      id:int trace_id span_id parent_span_id session_id service_name name start_time_unix_nano:int error_type
      status_description exception_message message source spans:int requests:int calls:int tools:int model request_model
      tool_name
    """),
    ("start_time_unix_nano", "id", "source"),
)
AGENT_TREE = DatasetTable(
    "agent_tree",
    _columns("""
      trace_id span_id parent_agent_span_id depth:int session_id user_id agent_name service_name name operation
      start_time_unix_nano:int end_time_unix_nano:int duration_ms:real status llm_calls:int tool_calls:int
      input_tokens:int output_tokens:int total_tokens:int cost_usd:real unpriced_calls:int errors:int failed_calls:int
      failed_tools:int
    """),
    ("start_time_unix_nano", "trace_id", "span_id"),
)
SCORES = DatasetTable(
    "scores",
    _columns("""
      id:int trace_id span_id session_id call_id:int service_name source name value:real label explanation response_id
      error_type start_time_unix_nano:int attribute_types attributes
    """),
    ("start_time_unix_nano", "id"),
)
TRACES = DatasetTable(
    # Without what marks say: the table marks has that. What the trace named is private.
    "traces",
    _columns(f"""
      trace_id session_id session_source user_id service_name name root_span_id status start_time_unix_nano:int
      end_time_unix_nano:int spans:int errors:int attribute_types attributes running:int interrupted:int logs:int
      {_SUMS} failed_requests:int scores:int score_means id:int
      _session_rank:int _session_is_child:int _session_time_unix_nano:int _entry_session_rank:int
      _user_source _user_rank:int _user_is_child:int _user_time_unix_nano:int _root_rank:int _root_time_unix_nano:int
    """),
    ("trace_id",),
)
TRACE_SESSIONS = DatasetTable(
    # One row for each session that records of a trace show, or name, and day: what the view sessions is made of. Log
    # records without a trace have the empty trace id, and one row a session and day.
    "trace_sessions",
    _columns(f"""
      trace_id session_id own_session_id source source_rank:int spans:int errors:int failed_entries:int interrupted:int
      logs:int score_logs:int start_time_unix_nano:int end_time_unix_nano:int trace_start_time_unix_nano:int
      {_SUMS} failed_requests:int trace_user_id first_call_user_id first_call_time_unix_nano:int
      root_service_name first_log_service_name first_log_time_unix_nano:int _tool_calls
    """),
    ("session_id", "trace_id", "own_session_id"),
)
AGENTS = DatasetTable(
    # What the calls of a trace say of their agents, by session and agent: the view agents is made of it. Calls that no
    # view shows count too. agent_name is what they name themselves. Log records without a trace have the empty trace
    # id, and one row a session, agent and day.
    "agents",
    _columns("""
      trace_id session_id service_name agent_name resource_agent_name agent_id version start_time_unix_nano:int
      end_time_unix_nano:int rows:int llm_calls:int failed_calls:int reported:int input_tokens:int output_tokens:int
      total_tokens:int
    """),
    ("service_name", "agent_name", "trace_id", "session_id"),
)
MARKS = DatasetTable(
    # What was said of sessions and traces, by the day on which it was said. Of one thing, what was said last holds.
    "marks",
    _columns("kind session_id trace_id is_set:int text time_unix_nano:int id:int"),
    ("time_unix_nano", "kind", "session_id", "trace_id"),
)
METRICS = DatasetTable(
    # One row for each data point, with what describes its series, by the day of its time. A series and an instrument
    # have the same id in each dataset. count and count_delta stop at 2^63 - 1. _late_points and _refused_points are
    # those of the series when it was archived. _point holds the numbers, as a JSON array of value, count, sum, min and
    # max, where the other columns do not tell them exactly.
    "metrics",
    _columns("""
      name kind unit temporality is_monotonic:int description scope_name scope_version scope_schema_url scope_attributes
      scope_attribute_types resource_schema_url resource_attributes resource_attribute_types metadata_types metadata
      series_id:int service_name session_id user_id start_time_unix_nano:int time_unix_nano:int time_source flags:int
      value:real value_type delta:real count:int count_delta:int sum:real sum_delta:real min:real max:real buckets
      change raw_points:int attribute_types attributes
      _instrument:int _resource:int _scope:int _late_points:int _refused_points:int _point
    """),
    ("name", "service_name", "series_id", "time_unix_nano", "start_time_unix_nano"),
)
EXEMPLARS = DatasetTable(
    # By the day of their points. _value is the value, where the column value does not tell it exactly.
    "exemplars",
    _columns("""
      name kind unit series_id:int service_name point_time_unix_nano:int point_start_time_unix_nano:int ordinal:int
      time_unix_nano:int value:real value_type trace_id span_id session_id span_name attribute_types attributes
      series_attribute_types series_attributes _value
    """),
    ("name", "series_id", "point_time_unix_nano", "point_start_time_unix_nano", "ordinal"),
)
SESSIONS = DatasetTable(
    # The summary: one row for each session and day (of the start of its traces). It follows from the tables above. A
    # row without spans and logs only tells by which attribute a trace names the session.
    "sessions",
    _columns(f"""
      session_id id:int source source_rank:int user_id user_time_unix_nano:int user_trace_id first_call_user_id
      first_call_time_unix_nano:int service_name root_time_unix_nano:int root_trace_id first_log_service_name
      first_log_time_unix_nano:int start_time_unix_nano:int end_time_unix_nano:int only_scores:int traces:int spans:int
      errors:int attribute_types attributes interrupted:int logs:int {_SUMS} failed_requests:int
    """),
    ("session_id",),
)
USAGE = DatasetTable(
    # Counted calls, tokens and cost by day of the trace, the day of the call, and what the calls name. It follows from
    # the calls.
    "usage",
    _columns("""
      call_date service_name provider operation request_model response_model agent_name user_id is_aggregate:int
      calls:int failed_calls:int reported:int input_tokens:int output_tokens:int total_tokens:int
      cached_input_tokens:int cache_creation_input_tokens:int reasoning_tokens:int priced:int priced_tokens:int
      unpriced_calls:int cost_usd:real
    """),
    ("call_date", "service_name", "request_model"),
)

TABLES: Mapping[str, DatasetTable] = {
    table.name: table
    for table in (
        *(SPANS, EVENTS, LINKS, LOGS, LLM_INTERACTIONS, TOOL_INTERACTIONS, ERRORS, AGENT_TREE, SCORES),
        *(TRACES, TRACE_SESSIONS, AGENTS, MARKS, METRICS, EXEMPLARS, SESSIONS, USAGE),
    )
}
"""By name, the name of the folder."""
SUMMARIES = ("sessions", "usage")
"""These follow from the others, so they are made again for a day whose parts change."""
