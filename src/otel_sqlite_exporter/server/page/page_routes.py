# SPDX-License-Identifier: Apache-2.0
"""The routes of the page: from a request to HTML, or to CSV of the same table."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Any

from jinja2 import Environment
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.api.api_problems import TITLES, Problem, ProblemError, describe_problem
from otel_sqlite_exporter.server.api.csv_rows import write_rows
from otel_sqlite_exporter.server.api.encoded_paths import EncodedPath
from otel_sqlite_exporter.server.api.parameters import Parameter, read_arguments
from otel_sqlite_exporter.server.page.marking.mark_forms import FORM_PATHS, answer_form
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageRoute
from otel_sqlite_exporter.server.page.page_table import MENU, PAGES
from otel_sqlite_exporter.server.page.page_templates import make_environment, render
from otel_sqlite_exporter.server.page.static_files import PATH, answer_static
from otel_sqlite_exporter.server.query_times import query_times
from otel_sqlite_exporter.server.server_context import ServerContext

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# Without a referrer policy of its own, a browser sends the forms of a page without its origin.
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
_ROWS_AT_ONCE = 500


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the routes of all pages, and of what they load."""
    backend, environment = ApiBackend(context), make_environment()
    environment.globals.update(menu=MENU, file_path=context.settings.path, may_write=backend.may_write)
    explain = partial(_explain, environment)
    routes: list[BaseRoute] = [EncodedPath(PATH.replace("{name}", "{name:path}"), "GET", answer_static, explain)]
    for page in PAGES:
        routes.append(EncodedPath(page.path, "GET", partial(_answer, backend, environment, page), explain))
    for path, name in FORM_PATHS.items():
        routes.append(EncodedPath(path, "POST", partial(answer_form, backend, name), explain))
    return [*routes, _OtherPaths("/{rest:path}", "GET", _refuse_path, explain)]


class _OtherPaths(EncodedPath):
    """What a person opens that is not there. Programs get the answer that all parts of the server give."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a browser opens a page."""
        is_opened = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not is_opened or "text/html" not in Headers(scope=scope).get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)


async def _refuse_path(request: Request, path: dict[str, str]) -> Response:
    raise ProblemError(Problem("no-such-route", HTTPStatus.NOT_FOUND, "there is no such page: the menu lists all"))


async def _answer(
    backend: ApiBackend, environment: Environment, page: PageRoute, request: Request, path: dict[str, str]
) -> Response:
    arguments = read_arguments((*page.parameters, *_list_forms(page)), request.url.query, path, request.headers)
    part, form = arguments.pop("part", None), arguments.pop("format", "html")
    run = backend.run_statement if page.is_statement else backend.run
    if form == "csv":
        assert page.read_table is not None
        table = await run(page.read_table, backend, arguments)
        return await _respond_csv(backend, table, is_head=request.method == "HEAD")
    return await run(_render, backend, environment, page, arguments, part, request)


def _list_forms(page: PageRoute) -> Iterator[Parameter]:
    """Yield the arguments that say in which form a page is answered."""
    if page.parts:
        yield Parameter("part", "A part of the page alone, for its scripts.", choices=page.parts)
    if page.read_table is not None:
        yield Parameter("format", "The page, or its table as CSV.", choices=("html", "csv"))


def _render(
    backend: ApiBackend,
    environment: Environment,
    page: PageRoute,
    arguments: dict[str, Any],
    part: str | None,
    request: Request,
) -> Response:
    """Return the page, read and rendered on a thread that may read the file."""
    began = time.perf_counter()
    content = page.part_readers.get(part or "", page.read)(backend, arguments)
    query_times.observe(page.path, time.perf_counter() - began)
    place = {"path": request.url.path, "arguments": arguments, "title": content.title}
    html = render(environment, page.template, {**content.values, **place}, part)
    return HTMLResponse(html.encode("utf-8", "replace"), content.status, headers=_HEADERS)


def _explain(environment: Environment, request: Request, error: Exception) -> Response:
    """Return the page that says what is wrong and what to do."""
    problem = describe_problem(error)
    place: dict[str, Any] = {"path": request.url.path, "arguments": {}}
    html = render(environment, "problem.html", {**place, "title": TITLES[problem.type], "problem": problem})
    return HTMLResponse(html, problem.status, headers={**_HEADERS, **problem.headers})


async def _respond_csv(backend: ApiBackend, table: CsvTable, *, is_head: bool) -> Response:
    """Return CSV (RFC 4180), sent as its rows are read."""
    rows = iter(table.rows)
    first = await backend.run_export(_take_rows, rows)  # what fails at once is answered with its reason

    async def write() -> AsyncIterator[bytes]:
        yield write_rows([table.columns])
        piece = first
        while piece:
            yield piece
            piece = await backend.run_export(_take_rows, rows)

    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{table.name}.csv"'}
    if is_head:
        return Response(headers=headers, media_type="text/csv; charset=utf-8")
    return StreamingResponse(write(), headers=headers, media_type="text/csv; charset=utf-8")


def _take_rows(rows: Iterator[Sequence[Any]]) -> bytes:
    return write_rows([*islice(rows, _ROWS_AT_ONCE)])
