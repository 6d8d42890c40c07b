# SPDX-License-Identifier: Apache-2.0
"""What each list shows: its columns, and the filters that are one click away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import AskableView
from otel_sqlite_exporter.server.api.list_answers import LISTED, list_sorts
from otel_sqlite_exporter.server.page.lists.log_rows import make_log_row


class ListColumn(NamedTuple):
    """A column.

    Attributes:
        label: Its heading.
        cell: The macro of `macros/cells.html` that shows it.
        needs: The columns of the view that the macro reads. No others are read.
        sort: What the list can be sorted by under this heading.
    """

    label: str
    cell: str
    needs: tuple[str, ...]
    is_number: bool = False
    sort: str | None = None


class QuickFilter(NamedTuple):
    """A filter that is one click away: an argument with a value."""

    label: str
    argument: str
    value: str


class ListLayout(NamedTuple):
    """A list.

    Attributes:
        name: Its name in the API and in its path.
        rows: What its rows are called.
        keys: Columns of the view that links and the order need.
        quick: Groups of filters, of each of which one can be set.
        of: What `/compare` calls a row, if two can be compared, and the column with its id.
        show: Makes what a row shows of a record.
    """

    name: str
    title: str
    rows: str
    columns: tuple[ListColumn, ...]
    keys: tuple[str, ...]
    quick: tuple[tuple[QuickFilter, ...], ...]
    of: tuple[str, str] | None = None
    show: Callable[[Any], Any] = lambda record: record

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"/{self.name}"

    @property
    def view(self) -> AskableView[Any]:
        """The view that it shows."""
        return LISTED[self.name]

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns of the view that are read, in the order of the list."""
        shown = (need for column in self.columns for need in column.needs)
        return tuple(dict.fromkeys((*shown, *self.keys, *self.view.order)))

    @property
    def is_counted(self) -> bool:
        """Whether some of its rows repeat others, and are left out unless they are asked for."""
        return "counted" in self.view.arguments

    @property
    def sorts(self) -> tuple[str, ...]:
        """What it can be sorted by."""
        return list_sorts(self.name)


TIMES = tuple(
    QuickFilter(label, "since", value)
    for label, value in (("last hour", "1h"), ("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"))
)


def _states(*names: str) -> tuple[QuickFilter, ...]:
    return tuple(QuickFilter("failed" if name == "error" else name, "status", name) for name in names)


_column = ListColumn
_DURATION = _column("duration", "duration", ("duration_ms",), True, "duration")
_TOKENS = _column("tokens", "tokens", ("total_tokens",), True, "tokens")
_COST = _column("cost, $", "cost", ("cost_usd", "unpriced_calls"), True, "cost")
_SESSION = _column("session", "session", ("session_id",))
_AGENT = _column("agent", "agent", ("agent_name",))
_USER = _column("user", "user", ("user_id",))
_SERVICE = _column("service", "service", ("service_name",))
_CALLS = _column("calls", "calls", ("llm_calls",), True)
_TRACE = _column("trace", "span", ("trace_id", "span_id"))
_START = _column("start", "start", ("start_time",))
_MARKS = _column("marks", "marks", ("pinned", "pin_label", "note", "scores", "score_means"))
_PINNED = QuickFilter("pinned", "pinned", "true")
_FAILURES = ("status", "failed_calls", "failed_tools")
_OF_RECORDS = (*_states("error", "running", "interrupted"),)

LAYOUTS: Mapping[str, ListLayout] = {
    layout.name: layout
    for layout in (
        ListLayout(
            "sessions",
            "Sessions",
            "sessions",
            (
                _SESSION,
                _USER,
                _SERVICE,
                _column("status", "group_status", _FAILURES),
                _START,
                _column("last activity", "end", ("end_time",)),
                _column("duration", "duration", ("duration_ms",), True),
                _column("traces", "traces", ("traces",), True),
                _CALLS,
                _column("tokens", "tokens", ("total_tokens",), True),
                _column("cost, $", "cost", ("cost_usd", "unpriced_calls"), True),
                _MARKS,
            ),
            (),
            (_OF_RECORDS, (_PINNED,), TIMES),
            ("session", "session_id"),
        ),
        ListLayout(
            "traces",
            "Traces",
            "traces",
            (
                _column("name", "trace", ("trace_id", "name")),
                _SESSION,
                _USER,
                _SERVICE,
                _column("status", "group_status", _FAILURES),
                _START,
                _DURATION,
                _column("spans", "spans", ("spans",), True),
                _column("errors", "errors", ("errors",), True),
                _CALLS,
                _TOKENS,
                _COST,
                _MARKS,
            ),
            (),
            (_OF_RECORDS, (_PINNED,), TIMES),
            ("trace", "trace_id"),
        ),
        ListLayout(
            "calls",
            "Model calls",
            "model calls",
            (
                _column("start", "call", ("request_timestamp",)),
                _column("model", "model", ("model", "request_model", "provider", "operation")),
                _column("status", "status", ("status", "error_type")),
                _DURATION,
                _column("first token", "first_token", ("time_to_first_token_ms",), True),
                _column("in", "input", ("input_tokens",), True),
                _column("out", "output", ("output_tokens",), True),
                _column("cached", "cached", ("cached_input_tokens",), True),
                _TOKENS,
                _column("cost, $", "call_cost", ("cost_usd", "is_unpriced"), True, "cost"),
                _SESSION,
                _AGENT,
                _TRACE,
            ),
            ("counted",),
            (_OF_RECORDS, TIMES),
        ),
        ListLayout(
            "tools",
            "Tool executions",
            "tool executions",
            (
                _column("start", "tool_start", ("start_time",)),
                _column("tool", "tool", ("tool_name", "name")),
                _column("status", "status", ("status", "error_type")),
                _DURATION,
                _column("waited", "waiting", ("waiting_ms",), True),
                _SESSION,
                _AGENT,
                _SERVICE,
                _TRACE,
            ),
            ("counted",),
            (_OF_RECORDS, TIMES),
        ),
        ListLayout(
            "scores",
            "Scores",
            "scores",
            (
                _column("time", "time", ("start_time",)),
                _column("name", "score_name", ("name",)),
                _column("value", "score_value", ("value",), True),
                _column("label", "score_label", ("label",)),
                _column("explanation", "explanation", ("explanation", "error_type")),
                _SERVICE,
                _SESSION,
                _column("of", "judged", ("call_id", "trace_id", "span_id")),
            ),
            (),
            (TIMES,),
        ),
        ListLayout(
            "logs",
            "Log records",
            "log records",
            (
                _column("time", "time", ("start_time",)),
                _column("severity", "severity", ("severity_number", "severity_text")),
                _column("event", "event", ("event_name",)),
                _column("body", "body", ("body", "attributes")),
                _SERVICE,
                _SESSION,
                _TRACE,
            ),
            (),
            (
                (
                    QuickFilter("warnings and worse", "min_severity_number", "13"),
                    QuickFilter("errors", "min_severity_number", "17"),
                ),
                TIMES,
            ),
            show=make_log_row,
        ),
    )
}
"""The lists by name."""
