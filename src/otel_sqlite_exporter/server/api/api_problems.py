# SPDX-License-Identifier: Apache-2.0
"""Errors as `application/problem+json` (RFC 9457): what went wrong and what to do, never the text of foreign code."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from otel_sqlite_exporter.error_texts import describe_error, explain_error
from otel_sqlite_exporter.errors import (
    ArgumentError,
    ConfigurationError,
    FileRefusedError,
    MissingFileError,
    MissingPackageError,
    NotFoundError,
    ReadTooLongError,
    SQLiteExporterError,
)

_logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_S = 1


class Problem(NamedTuple):
    """An answer that says why there is no other.

    Attributes:
        type: What kind it is: the last part of its URI.
        status: That of HTTP.
        detail: A sentence that says what to do.
        argument: The argument that cannot be used.
        position: The character of the argument where the fault is, from 0.
    """

    type: str
    status: int
    detail: str
    argument: str | None = None
    position: int | None = None
    headers: Mapping[str, str] = {}

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the JSON object."""
        return {
            "type": f"urn:otel-sqlite-exporter:{self.type}",
            "title": TITLES[self.type],
            "status": self.status,
            "detail": self.detail,
            **({} if self.argument is None else {"argument": self.argument}),
            **({} if self.position is None else {"position": self.position}),
        }

    def respond(self) -> Response:
        """Return the response."""
        body = orjson.dumps(self.to_dict())
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(body, self.status, headers, media_type=MEDIA_TYPE)


TITLES: Mapping[str, str] = {
    "bad-argument": "An argument cannot be used",
    "not-found": "There is no such thing",
    "no-such-route": "There is no such route",
    "method-not-allowed": "The route does not take this method",
    "media-type": "The body is not of a type that the route takes",
    "body-too-large": "The body is too large",
    "read-only": "The server only reads the file",
    "file-refused": "The file cannot be used as it is",
    "file-unavailable": "The file cannot be read now",
    "too-slow": "It takes too long",
    "busy": "The server has too much to do",
    "missing-package": "A package is not installed",
    "internal": "The server failed",
}
"""By type: docs/api.md has the same table."""


class ProblemError(SQLiteExporterError):
    """A request cannot be answered; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def describe_problem(error: Exception) -> Problem:
    """Return the problem that an exception is. An unexpected one is logged, and its text stays here."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, ArgumentError):
        detail = f"{error.argument}: {error.message}"
        return Problem("bad-argument", HTTPStatus.BAD_REQUEST, detail, error.argument, error.position)
    if isinstance(error, ConfigurationError):
        return Problem("bad-argument", HTTPStatus.BAD_REQUEST, str(error))
    if isinstance(error, NotFoundError):
        return Problem("not-found", HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, MissingFileError):
        detail = f"no records yet: the file {error.path} does not exist"
        return Problem("file-refused", HTTPStatus.SERVICE_UNAVAILABLE, detail)
    if isinstance(error, FileRefusedError):
        return Problem("file-refused", HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    if isinstance(error, ReadTooLongError):
        return Problem("too-slow", HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    if isinstance(error, MissingPackageError):
        return Problem("missing-package", HTTPStatus.NOT_IMPLEMENTED, str(error))
    if isinstance(error, (sqlite3.Error, OSError)):
        detail = f"the file cannot be read now ({explain_error(error)}): ask again in a second"
        retry = {"Retry-After": str(_RETRY_S)}
        return Problem("file-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=retry)
    _logger.error("a request of the API failed: %s", describe_error(error))
    detail = "this is a fault of the server: its log has one line about it"
    return Problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR, detail)
