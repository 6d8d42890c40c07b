# SPDX-License-Identifier: Apache-2.0
"""`/sql`: runs one SELECT over the views, which stand beside it. The link holds the statement."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.sandbox.bounded_statement import run_bounded_statement
from otel_sqlite_exporter.query.sandbox.statement_limits import (
    LONGEST_S,
    MOST_ROWS,
    BoundedResult,
    StatementLimits,
)
from otel_sqlite_exporter.query.sandbox.view_descriptions import WRITING_NOTES, describe_views
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_session, link_trace
from otel_sqlite_exporter.sql.texts import read_folder

_SHOWN_CHARACTERS = 500
_ROWS, _SECONDS = 200, 5.0
_MOST_CELLS = 100_000
"""The most values of a page: a browser still shows them within a second or two. CSV has all rows."""


class ShownCell(NamedTuple):
    """A value of a result: its text, the number of characters that are left out of it, where it leads, and whether it
    is a number."""

    text: str | None
    left_out: int
    link: str | None
    is_number: bool


class StatementOutcome(NamedTuple):
    """What a statement gave: columns and rows, or the sentence that says why it cannot be run."""

    columns: tuple[str, ...]
    rows: list[list[ShownCell]]
    is_cut: bool
    note: str
    took_ms: float
    error: str | None


def _read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    sql = arguments.get("sql", "")
    outcome = _run(backend, arguments) if sql.strip() else None
    values: dict[str, Any] = {
        "sql": sql,
        "outcome": outcome,
        "views": [*backend.file.read(describe_views).values()],
        "notes": WRITING_NOTES,
        "examples": [(_title(text), _statement(text)) for _, text in read_folder("examples")],
    }
    is_wrong = outcome is not None and outcome.error is not None
    return PageContent("SQL", values, 400 if is_wrong else 200)


def _run(backend: ApiBackend, arguments: Arguments) -> StatementOutcome:
    began = time.perf_counter()
    try:
        result = _ask(backend, arguments, arguments["limit"])
    except FilterError as error:
        return StatementOutcome((), [], False, "", (time.perf_counter() - began) * 1e3, error.message)
    shown = result.rows[: max(_MOST_CELLS // max(len(result.columns), 1), 1)]
    rows = [[_show(name, cell) for name, cell in zip(result.columns, row, strict=True)] for row in shown]
    note = ""
    if result.cut_values:
        note = f"{count(result.cut_values, 'value is', 'values are')} cut: select a part of them, as by substr"
    took_ms = (time.perf_counter() - began) * 1e3
    is_cut = result.truncated or len(shown) < len(result.rows)
    return StatementOutcome(result.columns, rows, is_cut, note, took_ms, None)


def _ask(backend: ApiBackend, arguments: Arguments, limit: int) -> BoundedResult:
    limits = StatementLimits(arguments["timeout_s"], limit)
    settings = backend.settings
    return run_bounded_statement(settings.path, arguments["sql"], (), limits, busy_timeout_ms=settings.busy_timeout_ms)


def _show(column: str, value: Any) -> ShownCell:
    if value is None:
        return ShownCell(None, 0, None, False)
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    link = _link(column.partition(":")[0], value) if isinstance(value, str) and value else None
    left_out = max(len(text) - _SHOWN_CHARACTERS, 0)
    return ShownCell(text[:_SHOWN_CHARACTERS], left_out, link, isinstance(value, int | float))


def _link(column: str, value: str) -> str | None:
    """Return the page of what a column names."""
    if column == "session_id":
        return link_session(value)
    return link_trace(value) if column == "trace_id" else None


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("-- ").rstrip(".")


def _statement(text: str) -> str:
    return text.partition("\n")[2].strip()


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    if not arguments.get("sql", "").strip():
        raise FilterError("sql", "give a SELECT")
    result = _ask(backend, arguments, MOST_ROWS)
    return CsvTable("result", result.columns, result.rows)


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/sql",
        "A console that can only read the views, with what they mean beside it.",
        "sql.html",
        _read_page,
        (
            Parameter("sql", "One SELECT."),
            Parameter("limit", "The most rows.", "integer", default=_ROWS, minimum=1, maximum=MOST_ROWS),
            Parameter("timeout_s", f"The most seconds, up to {LONGEST_S:g}.", "number", default=_SECONDS),
        ),
        read_table=_read_table,
        is_statement=True,
    ),
)
