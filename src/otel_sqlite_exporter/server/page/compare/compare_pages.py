# SPDX-License-Identifier: Apache-2.0
"""`/compare`: two sessions or two traces side by side, or what there is to choose from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import SESSIONS, TRACES, AskableView
from otel_sqlite_exporter.query.comparisons.compared_runs import find_run, find_targets, read_run
from otel_sqlite_exporter.query.comparisons.first_divergence import Divergence, RunComparison, compare_runs
from otel_sqlite_exporter.query.comparisons.step_alignment import MOST_ALIGNED, align_steps
from otel_sqlite_exporter.query.conversations.conversation_reader import ConversationTarget
from otel_sqlite_exporter.query.reading import find_page, get_first
from otel_sqlite_exporter.query.session_parts.first_prompts import read_first_prompts
from otel_sqlite_exporter.query.summaries import SessionSummary, TraceSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.compare.compare_rows import ComparedRow, show_divergence, show_rows
from otel_sqlite_exporter.server.page.compare.compare_verdict import list_measures, write_verdict
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_page, link_session, link_trace

_ROWS = 200
_CHOICES, _OF_ONE_USER = 30, 10
_PATH = "/compare"


class RunChoice(NamedTuple):
    """A session or a trace that can be chosen."""

    label: str
    link: str
    when: str
    facts: tuple[str, ...]
    status: str | None
    asked: str | None


def _read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    return backend.file.read(_read, arguments)


def _read(connection: sqlite3.Connection, arguments: Arguments) -> PageContent:
    a, b = ((arguments.get(name) or "").strip() for name in ("a", "b"))
    values: dict[str, Any] = {
        "a": write_exact(a),
        "b": write_exact(b),
        "problem": None,
        "choices": None,
        "compared": None,
    }
    try:
        if a and b:
            targets = find_targets(connection, a, b)
            return PageContent("Compare two runs", {**values, **_compare(connection, targets, arguments)})
        chosen = find_run(connection, a or b) if a or b else None
        values["choices"] = _list_choices(connection, chosen, "b" if a else "a")
        values["chosen"] = chosen
    except NotFoundError as error:
        choices = _list_choices(connection, None, "a")
        values |= {"problem": str(error), "choices": choices, "chosen": None}
        return PageContent("Compare two runs", values, HTTPStatus.NOT_FOUND)
    return PageContent("Compare two runs", values)


def _compare(
    connection: sqlite3.Connection, targets: Sequence[ConversationTarget], arguments: Arguments
) -> dict[str, Any]:
    runs = [read_run(connection, target) for target in targets]
    compared = compare_runs(runs[0], runs[1])
    rows = show_rows(align_steps(runs[0][1], runs[1][1]))
    only = arguments.get("only")
    listed = [row for row in rows if row.change != "same"] if only else rows
    first = min(arguments.get("first", 0), max(len(listed) - 1, 0)) // _ROWS * _ROWS
    given = {"a": str(targets[0]), "b": str(targets[1])}
    asked = read_first_prompts(connection, f"{targets[0].kind}_id", [target.id for target in targets])
    here = {**given, "only": only}
    return {
        "compared": compared,
        "kind": targets[0].kind,
        "runs": [_show_run(target, run[0], asked) for target, run in zip(targets, runs, strict=True)],
        "is_same": targets[0] == targets[1],
        "verdict": write_verdict(compared),
        "measures": list_measures(compared),
        "tools": [(tool, *counts) for tool, counts in compared.tools.items()],
        "divergences": [show_divergence(connection, one) for one in _list_divergences(compared)],
        "rows": listed[first : first + _ROWS],
        "first": first,
        "total": len(listed),
        "different": sum(row.change != "same" for row in rows),
        "only": only,
        "most_aligned": MOST_ALIGNED,
        "swap_link": link_page(_PATH, a=given["b"], b=given["a"]),
        "only_link": link_page(_PATH, **given, only=None if only else "different"),
        "before_link": link_page(_PATH, **here, first=first - _ROWS) if first else None,
        "next_link": link_page(_PATH, **here, first=first + _ROWS) if first + _ROWS < len(listed) else None,
        "csv_link": link_page(_PATH, **given, format="csv"),
        "other_links": [link_page(_PATH, a=given["a"]), link_page(_PATH, b=given["b"])],
    }


def _list_divergences(compared: RunComparison) -> list[Divergence]:
    """Return the first difference, and the first step at which something else was done, if that is another."""
    both = [compared.first, compared.first_step if compared.first_step != compared.first else None]
    return [one for one in both if one is not None]


def _show_run(
    target: ConversationTarget, summary: SessionSummary | TraceSummary, asked: Mapping[str, str]
) -> RunChoice:
    link = link_session(target.id) if target.kind == "session" else link_trace(target.id)
    return _make_choice(target.kind, summary, link, asked)


def _make_choice(kind: str, summary: SessionSummary | TraceSummary, link: str, asked: Mapping[str, str]) -> RunChoice:
    name = summary.name if isinstance(summary, TraceSummary) else None
    id = summary.session_id if kind == "session" else summary.trace_id  # type: ignore[union-attr]
    facts = [name, summary.user_id, summary.service_name]
    known = tuple(fact for fact in facts if fact)
    return RunChoice(str(id), link, summary.start_time, known, summary.status, asked.get(str(id)))


def _list_choices(connection: sqlite3.Connection, chosen: ConversationTarget | None, missing: str) -> list[RunChoice]:
    """Return the newest runs of the kind that is chosen already; first those of the same user, or the same name."""
    kind = "session" if chosen is None else chosen.kind
    view: AskableView[Any] = SESSIONS if kind == "session" else TRACES
    alike: dict[str, Any] = {}
    if chosen is not None:
        summary: Any = get_first(connection, view, **{f"{kind}_id": chosen.id})
        alike = {"user_id": summary.user_id} if kind == "session" else {"name": summary.name}
    found: dict[int, Any] = {}
    if any(alike.values()):
        page = find_page(connection, view, alike, _OF_ONE_USER, None, True, with_total=False)
        found.update((row.id, row) for row in page.records)
    page = find_page(connection, view, {}, _CHOICES, None, True, with_total=False)
    for row in page.records:
        found.setdefault(row.id, row)
    others = [row for row in found.values() if chosen is None or getattr(row, f"{kind}_id") != chosen.id]
    asked = read_first_prompts(connection, f"{kind}_id", [getattr(row, f"{kind}_id") for row in others])
    return [_make_choice(kind, row, _link_choice(kind, row, chosen, missing), asked) for row in others]


def _link_choice(kind: str, row: Any, chosen: ConversationTarget | None, missing: str) -> str:
    target = ConversationTarget(kind, getattr(row, f"{kind}_id"))
    if chosen is None:
        return link_page(_PATH, a=str(target))
    ids = {missing: str(target), "a" if missing == "b" else "b": str(chosen)}
    return link_page(_PATH, a=ids["a"], b=ids["b"])


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    def read(connection: sqlite3.Connection) -> list[ComparedRow]:
        targets = find_targets(connection, arguments.get("a", ""), arguments.get("b", ""))
        runs = [read_run(connection, target) for target in targets]
        return show_rows(align_steps(runs[0][1], runs[1][1]))

    of_step = ("number", "kind", "what", "model", "status", "duration_ms", "tokens", "cost_usd")
    columns = ("change", "differs", *(f"{side}_{name}" for side in ("a", "b") for name in of_step))

    def write(rows: Sequence[ComparedRow]) -> Iterator[list[Any]]:
        for row in rows:
            cells = (None if step is None else getattr(step, name) for step in (row.a, row.b) for name in of_step)
            yield [row.change, " ".join(row.fields), *cells]

    return CsvTable("comparison", columns, write(backend.file.read(read)))


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        _PATH,
        "Two sessions or two traces side by side.",
        "compare.html",
        _read_page,
        (
            Parameter("a", "The first: session:ID, trace:ID, or a unique prefix of an id."),
            Parameter("b", "The second."),
            Parameter("only", "Only steps that differ.", choices=("different", "")),
            Parameter("first", "The first row of the steps.", "integer", default=0, minimum=0),
        ),
        ("steps",),
        _read_table,
    ),
)
