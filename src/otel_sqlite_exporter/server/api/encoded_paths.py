# SPDX-License-Identifier: Apache-2.0
"""Paths whose parameters may hold any character, slashes too."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError, describe_problem

Handler = Callable[[Request, dict[str, str]], Any]
Explain = Callable[[Request, Exception], Response]


def explain_as_problem(request: Request, error: Exception) -> Response:
    """Return the answer for what a handler raised, as RFC 9457 has it."""
    return describe_problem(error).respond()


class EncodedPath(BaseRoute):
    """One path with one method, or several with spaces between; HEAD works where GET does, and no method means any.
    Parameters of the path are matched before `%2F` is decoded, because an id may have slashes; `{name:path}` is all
    that follows. `explain` makes the answer for what the handler raises."""

    def __init__(self, path: str, method: str, handler: Handler, explain: Explain = explain_as_problem) -> None:
        self.path = path
        self.methods = {"GET", "HEAD"} if method == "GET" else {*method.split()}
        self._handler = handler
        self._explain = explain
        pattern = re.sub(
            r"\\{(\w+)(:path)?\\}",
            lambda match: f"(?P<{match[1]}>{'.*' if match[2] else '[^/]+'})",
            re.escape(path),
        )
        self._pattern = re.compile(pattern, re.DOTALL)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the path of a request is this one, and what its parameters are."""
        found = self._pattern.fullmatch(_find_encoded_path(scope)) if scope["type"] == "http" else None
        if found is None:
            return Match.NONE, {}
        parameters = {name: unquote(text) for name, text in found.groupdict().items()}
        return Match.FULL, {"path_params": parameters, "endpoint": self._handler}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """No part of the server asks for these paths by a name."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive, send)
        if self.methods and request.method not in self.methods:
            allowed = ", ".join(sorted(self.methods))
            detail = f"{request.method} is not possible here: use {allowed}"
            problem = Problem("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
            response = self._explain(request, ProblemError(problem))
        else:
            try:
                response = await self._handler(request, scope["path_params"])
            except Exception as error:
                response = self._explain(request, error)
        await response(scope, receive, send)


def _find_encoded_path(scope: Scope) -> str:
    """Return the path as it was sent, without what a part above took from its front."""
    root = scope.get("root_path", "")
    path: str = scope["path"].removeprefix(root) if root else scope["path"]
    sent = (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    encoded = sent[len(unquote(sent)) - len(path) :] if len(unquote(sent)) >= len(path) else ""
    return encoded if unquote(encoded) == path else path
