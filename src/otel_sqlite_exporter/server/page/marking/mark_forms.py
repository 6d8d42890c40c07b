# SPDX-License-Identifier: Apache-2.0
"""The forms that pin sessions and traces and write notes on them. They need no scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError
from otel_sqlite_exporter.server.api.mark_answers import set_mark
from otel_sqlite_exporter.server.page.page_links import link_session, link_trace

_MOST_BYTES, _MOST_FIELDS = 1 << 17, 8
_COLUMNS = {"sessions": "session_id", "traces": "trace_id"}
FORM_PATHS: Mapping[str, str] = {f"/{name}/{{id}}/marks": name for name in _COLUMNS}
"""The paths that forms are sent to, and what is marked there."""
_TEXTS = {"pin": "label", "note": "text"}
_LINKS: Mapping[str, Callable[[str], str]] = {"sessions": link_session, "traces": link_trace}


async def answer_form(backend: ApiBackend, name: str, request: Request, path: dict[str, str]) -> Response:
    """Do what a form asks for, and lead back to the page that it is on.

    Raises:
        ProblemError: The server only reads, or the form is too large.
        FilterError: It is not a form of this page.
    """
    given = dict(await _read_form(request))
    verb, _, kind = given.get("do", "").partition(" ")
    if verb not in ("set", "remove") or kind not in _TEXTS:
        raise FilterError("do", "the form does not say what to do: use the one on the page")
    text = given.get(_TEXTS[kind], "").replace("\r\n", "\n").strip() if verb == "set" else None
    if kind == "note" and not text:
        text = None
    found = await backend.run_writing(partial(set_mark, backend, _COLUMNS[name], path["id"], kind, text))
    return RedirectResponse(_LINKS[name](found), HTTPStatus.SEE_OTHER)


async def _read_form(request: Request) -> list[tuple[str, str]]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            detail = f"send at most {_MOST_BYTES} bytes"
            raise ProblemError(Problem("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail))
    try:
        return parse_qsl(bytes(body).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except ValueError:
        raise FilterError("body", "it is not a form: use the one on the page") from None
