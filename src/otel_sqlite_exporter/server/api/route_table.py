# SPDX-License-Identifier: Apache-2.0
"""Every route of the API, once: its path, arguments, answer, and the shape of that. The routing, the checks of
arguments and `openapi.json` come from here, and a test compares docs/api.md."""

from __future__ import annotations

from collections.abc import Iterator

from otel_sqlite_exporter.query.askable_views import ReportFilter, SearchFilter
from otel_sqlite_exporter.query.report_parts.report_texts import SUBJECTS
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.server.api import file_answers, list_answers, mark_answers, record_answers, subtree_answers
from otel_sqlite_exporter.server.api.description import answer_shapes as shapes
from otel_sqlite_exporter.server.api.description.api_route import CURSOR, EVENT_STREAM, LIMIT, SINCE, UNTIL, ApiRoute
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import METRIC_LISTS
from otel_sqlite_exporter.server.api.metric_answers.metric_routes import METRIC_ROUTES
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters
from otel_sqlite_exporter.server.api.session_answers import share_answers

_NEWEST = Parameter("newest_first", "The newest first; else the oldest.", "boolean", default=True)
_SESSION = Parameter("id", "The session, or a unique prefix of its id.", where="path")
_TRACE = Parameter("id", "The trace, or a unique prefix of its id.", where="path")
_ROW = Parameter("id", "The `id` of the row.", "integer", where="path", minimum=0)
_EXPORTED = (*LISTED, *METRIC_LISTS)
_OF = "The list: sessions, traces, spans, calls, tools, logs, events or scores."


def _list(name: str, about: str) -> ApiRoute:
    view = LISTED[name]
    sorts = list_answers.list_sorts(name)
    about_sort = "The order; by another than the start, the largest first, and one page."
    sort = (Parameter("sort", about_sort, choices=sorts, default="start"),) if sorts else ()
    parameters = (LIMIT, CURSOR, _NEWEST, *sort, *make_filters(view.filter_type))
    return ApiRoute(f"/{name}", about, list_answers.list_rows(name), parameters, shapes.list_of(view.row_type))


def _marks(name: str, id: Parameter) -> Iterator[ApiRoute]:
    """Yield the routes that pin sessions or traces and write notes on them. They answer with the row of it."""
    noun = name.removesuffix("s")
    for kind, (setter, reader, body) in mark_answers.MARKS.items():
        path, shape = f"/{name}/{{id}}/{kind}", shapes.one_of(LISTED[name])
        about = f"Pins a {noun}, with the `label` in the body." if kind == "pin" else f"Notes the `text` on a {noun}."
        set_it = mark_answers.mark(name, setter, is_set=True)
        take = mark_answers.mark(name, setter, is_set=False)
        gone = f"Takes the {kind} of a {noun} away."
        yield ApiRoute(
            path, about, set_it, (id,), shape, "PUT", has_state=False, read_body=reader, body=body, is_writing=True
        )
        yield ApiRoute(path, gone, take, (id,), shape, "DELETE", has_state=False, is_writing=True)


def _any_filters(*more: Parameter) -> tuple[Parameter, ...]:
    """Return the filters of all lists, and more; each list says which are its own, and which values they take."""
    known: dict[str, Parameter] = {}
    for parameter in (*(one for view in LISTED.values() for one in make_filters(view.filter_type)), *more):
        same = known.setdefault(parameter.name, parameter)
        known[parameter.name] = same._replace(choices=tuple(dict.fromkeys((*same.choices, *parameter.choices))))
    return tuple(known.values())


ROUTES: tuple[ApiRoute, ...] = (
    ApiRoute("/info", "What the file holds.", file_answers.describe_file, (), shapes.OVERVIEW),
    ApiRoute(
        "/health",
        "Counters of what wrote the file, what waits, and what is wrong, with remedies.",
        file_answers.describe_health,
        (),
        shapes.HEALTH,
        has_state=False,
    ),
    _list("sessions", "Sessions, by their end."),
    ApiRoute(
        "/sessions/{id}", "One session.", record_answers.get_session, (_SESSION,), shapes.one_of(LISTED["sessions"])
    ),
    ApiRoute(
        "/sessions/{id}/steps",
        "Traces, calls and tool executions of a session, the oldest first.",
        record_answers.list_steps,
        (
            _SESSION,
            LIMIT,
            CURSOR,
            Parameter("counted", "Only calls and tools that count; else all.", "boolean", default=True),
        ),
        shapes.STEPS,
    ),
    ApiRoute(
        "/sessions/{id}/messages",
        "What was said in a session, each message once, the oldest first.",
        record_answers.list_messages,
        (_SESSION, LIMIT, CURSOR),
        shapes.CONVERSATION,
    ),
    ApiRoute(
        "/sessions/{id}/usage",
        "Tokens and cost of a session, by one or two groups.",
        record_answers.sum_usage,
        (
            _SESSION,
            Parameter("group_by", "What a row stands for.", choices=SUBJECTS["call"], default=["model"], is_list=True),
        ),
        shapes.ROWS,
    ),
    ApiRoute(
        "/sessions/{id}/share",
        "A session to hand on, masked in all of it: see docs/sharing.md.",
        share_answers.share_session,
        (_SESSION, *share_answers.PARAMETERS),
        has_state=False,  # what is masked depends on the settings too
        has_envelope=False,
        media_types=share_answers.SHARE_TYPES,
    ),
    *_marks("sessions", _SESSION),
    _list("traces", "Traces, by their start."),
    ApiRoute(
        "/traces/{id}",
        "A trace as columns, without attributes and content.",
        record_answers.get_skeleton,
        (_TRACE,),
        shapes.SKELETON,
    ),
    ApiRoute(
        "/traces/{id}/spans/{span}",
        "One span with all its attributes, events, links, calls and tools.",
        record_answers.get_span,
        (_TRACE, Parameter("span", "The span, or a unique prefix of its id.", where="path")),
        shapes.SPAN,
    ),
    ApiRoute(
        "/traces/{id}/spans/{span}/subtree",
        "A span and those below it, in the order of the tree, with long values cut.",
        subtree_answers.get_subtree,
        (
            _TRACE,
            Parameter("span", "The span, or a unique prefix of its id.", where="path"),
            Parameter("limit", "The most spans.", "integer", default=200, minimum=1, maximum=1_000),
        ),
        shapes.SUBTREE,
    ),
    ApiRoute(
        "/traces/{id}/otlp",
        "A trace as one message of OTLP JSON.",
        record_answers.get_otlp,
        (_TRACE, Parameter("signal", "Its spans, or its log records.", choices=("traces", "logs"), default="traces")),
        shapes.OTLP,
        has_envelope=False,
    ),
    *_marks("traces", _TRACE),
    _list("spans", "Spans, by their start."),
    _list("calls", "Model calls, by their start."),
    ApiRoute("/calls/{id}", "One model call.", record_answers.get_call, (_ROW,), shapes.one_of(LISTED["calls"])),
    _list("tools", "Tool executions, by their start."),
    ApiRoute("/tools/{id}", "One tool execution.", record_answers.get_tool, (_ROW,), shapes.one_of(LISTED["tools"])),
    _list("logs", "Log records, by their time."),
    _list("events", "Starts and finishes of spans, span events and log events, in the order of writing."),
    _list("scores", "Scores, by when they were given."),
    *METRIC_ROUTES,
    ApiRoute(
        "/agents",
        "Agents of each service, with sums over their calls and those below them, in alphabetical order.",
        list_answers.list_agents,
        (LIMIT, CURSOR),
        shapes.AGENTS,
    ),
    ApiRoute(
        "/services",
        "Which service calls which: calls, errors, p95.",
        list_answers.list_services,
        (LIMIT, SINCE, UNTIL),
        shapes.SERVICES,
    ),
    ApiRoute(
        "/search",
        "Model calls and tool executions that contain a text, the newest first.",
        list_answers.search_rows,
        (
            Parameter("text", "Words, and phrases in double quotes; all must occur.", is_required=True),
            LIMIT,
            *make_filters(SearchFilter),
        ),
        shapes.HITS,
    ),
    ApiRoute(
        "/facets",
        "The values of columns, with the number of rows that meet the filters.",
        list_answers.count_values,
        (
            Parameter("of", _OF, choices=tuple(LISTED), is_required=True),
            Parameter("field", "The column: one that the list has a text filter for.", is_list=True, is_required=True),
            Parameter("limit", "The most values of a field.", "integer", default=20, minimum=1, maximum=500),
            *_any_filters(),
        ),
        shapes.FACETS,
    ),
    ApiRoute(
        "/fields",
        "The fields that the filter language has for a list.",
        list_answers.list_fields,
        (Parameter("of", _OF, choices=tuple(LISTED), is_required=True),),
        shapes.FIELDS,
        has_state=False,
    ),
    ApiRoute(
        "/reports/{name}",
        "The rows of a report: see docs/reports.md.",
        file_answers.run_named_report,
        (
            Parameter("name", "The report.", where="path", choices=tuple(REPORTS)),
            Parameter("group_by", "What a row stands for.", is_list=True),
            Parameter("limit", "The most rows.", "integer", minimum=1, maximum=5_000),
            Parameter("timezone", "That of hours, days and weeks.", default="UTC"),
            SINCE,
            UNTIL,
            *make_filters(ReportFilter),
        ),
        shapes.ROWS,
    ),
    ApiRoute(
        "/diff",
        "Two sessions side by side.",
        file_answers.compare,
        (
            Parameter("a", "The first session, or a unique prefix of its id.", is_required=True),
            Parameter("b", "The second.", is_required=True),
            Parameter("allow", "What b may have more than a, such as tokens=10%.", is_list=True),
        ),
        shapes.COMPARISON,
    ),
    ApiRoute(
        "/export",
        "All records that meet the filters, the oldest first.",
        file_answers.export_records,
        (
            Parameter(
                "format",
                "Lines of OTLP JSON; CSV; a trace or session for Perfetto's viewer, or what it said as Markdown.",
                choices=file_answers.EXPORT_FORMATS,
                default="otlp",
            ),
            Parameter("of", f"{_OF} Also metrics or exemplars. Only of CSV; spans if left out.", choices=_EXPORTED),
            Parameter("signal", "Only one of these; only of OTLP.", choices=("traces", "logs", "metrics")),
            *_any_filters(*(one for listed in METRIC_LISTS.values() for one in listed.filters)),
        ),
        None,
        has_envelope=False,
        media_types=file_answers.EXPORT_TYPES,
    ),
    ApiRoute(
        "/stream",
        "Server-sent events: what is written, as it is written.",
        None,
        (Parameter("Last-Event-ID", "The id of the last event that was seen.", where="header"),),
        None,
        has_state=False,
        has_envelope=False,
        media_types=(EVENT_STREAM,),
    ),
    ApiRoute(
        "/sql",
        "The rows of a SELECT over the views: see docs/schema.md.",
        file_answers.run_sql,
        (),
        shapes.STATEMENT,
        method="POST",
        has_state=False,
        read_body=file_answers.read_statement,
        body=shapes.STATEMENT_BODY,
    ),
)
