# SPDX-License-Identifier: Apache-2.0
"""The routes of `/api/v1`: from a request to an answer, by the route table."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from otel_sqlite_exporter.query.filter_values import is_fixed_time
from otel_sqlite_exporter.server.api import index_page
from otel_sqlite_exporter.server.api.api_answers import (
    ApiAnswer,
    StreamedAnswer,
    accepts_gzip,
    cut_pieces,
    encode_answer,
    pack_parts,
)
from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError
from otel_sqlite_exporter.server.api.change_stream import ChangeStreams
from otel_sqlite_exporter.server.api.description.api_route import JSON, PREFIX, ApiRoute
from otel_sqlite_exporter.server.api.encoded_paths import EncodedPath, Handler
from otel_sqlite_exporter.server.api.file_answers import run_named_report
from otel_sqlite_exporter.server.api.openapi_document import make_document
from otel_sqlite_exporter.server.api.parameters import read_arguments
from otel_sqlite_exporter.server.api.route_table import ROUTES
from otel_sqlite_exporter.server.query_times import query_times
from otel_sqlite_exporter.server.server_context import ServerContext

_LARGE_BYTES = 256 * 1024
_MOST_BODY_BYTES = 1 << 20
_END = object()
_TIME_FIELD = re.compile("since|until", re.IGNORECASE)


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the routes of `/api/v1` and below, and one for all other paths there."""
    backend = ApiBackend(context)
    streams = ChangeStreams(backend)
    routes: list[BaseRoute] = [
        *index_page.make_routes(context, PREFIX),
        EncodedPath(f"{PREFIX}/openapi.json", "GET", partial(_describe, make_document())),
    ]
    handlers: dict[str, dict[str, Handler]] = {}
    for route in ROUTES:
        handler = partial(_answer, backend, route) if route.answer else partial(_stream, backend, route, streams)
        handlers.setdefault(route.path, {})[route.method] = handler
    for path, methods in handlers.items():
        routes.append(EncodedPath(f"{PREFIX}{path}", " ".join(methods), partial(_choose, methods)))
    return [*routes, EncodedPath(f"{PREFIX}{{rest:path}}", "", _refuse_path)]


async def _choose(methods: Mapping[str, Handler], request: Request, path: dict[str, str]) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    response: Response = await methods[method](request, path)
    return response


async def _refuse_path(request: Request, path: dict[str, str]) -> Response:
    detail = f"there is no such path: {PREFIX}/openapi.json lists all"
    return Problem("no-such-route", HTTPStatus.NOT_FOUND, detail).respond()


async def _describe(document: bytes, request: Request, path: dict[str, str]) -> Response:
    read_arguments((), request.url.query, {}, {})
    etag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
    if _is_known(request, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return Response(document, headers={"ETag": etag}, media_type=JSON)


async def _stream(
    backend: ApiBackend, route: ApiRoute, streams: ChangeStreams, request: Request, path: dict[str, str]
) -> Response:
    arguments = read_arguments(route.parameters, request.url.query, path, request.headers)
    return await streams.open(arguments.get("Last-Event-ID"))


async def _answer(backend: ApiBackend, route: ApiRoute, request: Request, path: dict[str, str]) -> Response:
    arguments = read_arguments(route.parameters, request.url.query, path, request.headers)
    if route.read_body is not None:
        arguments |= route.read_body(await _read_body(request))
    began = time.perf_counter()
    run = backend.run_writing if route.is_writing else backend.run_statement if route.read_body else backend.run
    etag, response = await run(_work, backend, route, request, arguments, began)
    if isinstance(response, StreamedAnswer):
        response = await _respond_streamed(backend, response, request)
    assert isinstance(response, Response)
    if etag is not None:
        response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _work(
    backend: ApiBackend, route: ApiRoute, request: Request, arguments: dict[str, Any], began: float
) -> tuple[str | None, Any]:
    """Return the ETag, and the response or what is to be streamed. Runs on a thread that may read the file."""
    etag = None
    if route.has_state and not _depends_on_now(arguments):
        # Before the answer is read: a write in between makes it look older than it is, and never newer.
        etag = f'W/"{backend.state.read()}"'
        if _is_known(request, etag):
            return etag, Response(status_code=HTTPStatus.NOT_MODIFIED)
    assert route.answer is not None
    asked = time.perf_counter()
    try:
        answer: ApiAnswer = route.answer(backend, arguments)
    finally:
        report = arguments["name"] if route.answer is run_named_report else ""
        query_times.observe(f"{PREFIX}{route.path}", time.perf_counter() - asked, report)
    if isinstance(answer, StreamedAnswer):
        return etag, answer
    parts = encode_answer(answer, (time.perf_counter() - began) * 1e3)
    size = sum(map(len, parts))
    if size <= _LARGE_BYTES:
        return etag, Response(b"".join(parts), media_type=JSON)
    headers = {"Vary": "Accept-Encoding"}
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        packed = pack_parts(parts)
        return etag, Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=JSON)
    pieces = iter(()) if request.method == "HEAD" else cut_pieces(parts)
    return etag, StreamingResponse(_iterate(pieces), headers=headers | {"Content-Length": str(size)}, media_type=JSON)


def _depends_on_now(arguments: dict[str, Any]) -> bool:
    """Return whether an answer changes with the time of asking, as of `since=15m`, though the file does not."""
    times = [arguments[name] for name in ("since", "until") if name in arguments]
    return not all(map(is_fixed_time, times)) or _TIME_FIELD.search(arguments.get("filter", "")) is not None


def _is_known(request: Request, etag: str) -> bool:
    """Return whether the client has what the tag names."""
    if request.method not in ("GET", "HEAD"):
        return False
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    return "*" in known or etag.removeprefix("W/") in known


async def _iterate(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _respond_streamed(backend: ApiBackend, answer: StreamedAnswer, request: Request) -> Response:
    """Return the response that reads the file for each piece. The first piece is read before anything is sent, so that
    its errors can be told."""
    headers = {"Content-Disposition": f'attachment; filename="{answer.filename}"'} if answer.filename else {}
    first = await backend.run_export(next, answer.pieces, _END)

    async def send_pieces() -> AsyncIterator[bytes]:
        piece: Any = first
        while piece is not _END:
            yield piece
            piece = await backend.run_export(next, answer.pieces, _END)

    if request.method == "HEAD":
        return Response(headers=headers, media_type=answer.media_type)
    return StreamingResponse(send_pieces(), headers=headers, media_type=answer.media_type)


async def _read_body(request: Request) -> bytes:
    """Return the body of a request, which must be JSON of bounded size."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise ProblemError(Problem("media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"give Content-Type: {JSON}"))
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BODY_BYTES:
            detail = f"send at most {_MOST_BODY_BYTES} bytes"
            raise ProblemError(Problem("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail))
    return bytes(body)
