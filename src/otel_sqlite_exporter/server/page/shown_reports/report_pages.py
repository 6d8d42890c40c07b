# SPDX-License-Identifier: Apache-2.0
"""`/reports` and each report: the form that asks it, its plot and its table."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.aggregates.recent_times import AGES, ALL_TIME
from otel_sqlite_exporter.query.report_parts.report_texts import find_subject
from otel_sqlite_exporter.query.reports import REPORTS, ReportResult
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import change_link, link_page
from otel_sqlite_exporter.server.page.shown_reports.report_index import (
    QUESTIONS,
    TITLES,
    describe_rest,
    first_sentence,
    list_reports,
)
from otel_sqlite_exporter.server.page.shown_reports.report_plots import draw_report, draw_steps, find_series
from otel_sqlite_exporter.server.page.shown_reports.report_request import (
    FILTERS,
    LIMITS,
    PARAMETERS,
    ReportRequest,
    read_request,
    write_moment,
)
from otel_sqlite_exporter.server.page.shown_reports.report_table import make_table

_ALL_ROWS = 2**31 - 1
_SLOW = ("queries", "unrecognised")
"""Reports that take long on a file of any size: they run when that is asked for."""
_WHOLE = ("growth", "links")
"""Reports that read the whole file whatever the times are: of a large file, they run when that is asked for."""
_AGES = {"1h": "1 hour", "24h": "24 hours", "3d": "3 days", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
_LABELS = {name: name.removesuffix("_id").removesuffix("_name") for name in FILTERS}


def _list_filters(request: ReportRequest) -> list[tuple[str, str, list[str]]]:
    """Return the filters of the form with their labels and values."""
    return [(name, label, [*map(write_exact, request.filters.get(name, ()))]) for name, label in _LABELS.items()]


def _read_index(backend: ApiBackend, arguments: Arguments) -> PageContent:
    return PageContent("Reports", {"questions": QUESTIONS, "reports": list_reports()})


def _read_report(backend: ApiBackend, arguments: Arguments) -> PageContent:
    name = arguments["name"]
    values: dict[str, Any] = {
        "name": name,
        "about": first_sentence(name),
        "more": describe_rest(name),
        "definition": REPORTS[name],
        "limits": sorted({*LIMITS, REPORTS[name].limit}),
        "ages": [],
        "request": None,
        "table": None,
        "plot": None,
        "steps": None,
        "series": None,
        "problem": None,
        "must_ask": False,
    }
    try:
        request = read_request(backend, arguments)
        values |= _show_form(request, arguments)
        if _must_ask(request) and not arguments.get("run"):
            return PageContent(_title(request), {**values, "must_ask": True})
        values |= _show_result(backend, request)
    except FilterError as error:
        return PageContent(TITLES[name], {**values, "problem": error.message}, 400)
    return PageContent(_title(request), values)


def _must_ask(request: ReportRequest) -> bool:
    is_of_records = request.name in ("durations", "histogram") and find_subject(request.groups) == "record"
    return request.name in _SLOW or (request.is_narrowed and (request.name in _WHOLE or is_of_records))


def _title(request: ReportRequest) -> str:
    is_grouped = REPORTS[request.name].is_grouped and len(REPORTS[request.name].groups) > 1
    if request.name == "slowest":
        return f"Slowest {request.groups[0]}s"
    groups = " and ".join(one.replace("_", " ") for one in request.groups)
    return f"{TITLES[request.name]} by {groups}" if is_grouped and request.name != "errors" else TITLES[request.name]


def _show_form(request: ReportRequest, arguments: Arguments) -> dict[str, Any]:
    """Return what the form and the links of the page are made of."""
    path = f"/reports/{request.name}"
    given = {one: value for one, value in arguments.items() if one not in ("name", "range", "since", "until")}
    kept = {one: value for one, value in given.items() if value not in ("", []) and (one, value) != ("timezone", "UTC")}
    ages = [(_AGES[age], change_link(path, kept, range=age), request.age == age) for age in AGES]
    fixed = {**request.list_arguments(), "run": kept.get("run"), "range": None}
    if fixed["since"] is None and fixed["until"] is None:
        fixed["range"] = ALL_TIME
    return {
        "request": request,
        "ages": [*ages, ("all time", change_link(path, kept, range=ALL_TIME), request.age == ALL_TIME)],
        "all_link": change_link(path, kept, range=ALL_TIME),
        "run_link": change_link(
            path, kept, range=None if request.is_narrowed or request.age == "own" else request.age, run=True
        ),
        "filters": _list_filters(request),
        "since": write_moment(request.since),
        "csv_link": link_page(path, **fixed, limit=arguments.get("limit"), format="csv"),
        "json_link": link_page(
            f"/api/v1/reports/{request.name}", **request.list_arguments(), limit=arguments.get("limit")
        ),
        "steps_link": link_page("/reports/histogram", **request.list_arguments()),
    }


def _show_result(backend: ApiBackend, request: ReportRequest) -> dict[str, Any]:
    result = _run(backend, request, request.limit if REPORTS[request.name].is_cut else _ALL_ROWS)
    table = make_table(request, result)
    plot = draw_report(request, result, table)
    steps = None
    if request.name == "durations" and result.rows:
        steps = draw_steps(_run(backend, request._replace(name="histogram"), _ALL_ROWS))
    series = find_series(request, result) if plot is None else None
    return {"table": table, "plot": plot, "steps": steps, "series": series}


def _run(backend: ApiBackend, request: ReportRequest, limit: int) -> ReportResult:
    return backend.database.run_report(
        request.name,
        since=request.since,
        until=request.until,
        group_by=request.groups,
        limit=limit,
        timezone=request.timezone or "UTC",
        **request.filters,
    )


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    request = read_request(backend, arguments)
    result = _run(backend, request, request.limit)
    return CsvTable(request.name, result.columns, result.rows)


PAGES: tuple[PageRoute, ...] = (
    PageRoute("/reports", "The reports.", "report_index.html", _read_index),
    PageRoute(
        "/reports/{name}",
        "One report: its plot and its table.",
        "report.html",
        _read_report,
        (Parameter("name", "The report.", where="path", choices=tuple(REPORTS)), *PARAMETERS),
        (),
        _read_table,
    ),
)
