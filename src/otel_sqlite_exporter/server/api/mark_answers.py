# SPDX-License-Identifier: Apache-2.0
"""The answers that change marks: pins and notes of sessions and traces."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson

from otel_sqlite_exporter.error_texts import explain_error
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.maintain.annotations import Annotations
from otel_sqlite_exporter.query.reading import get_by_prefix
from otel_sqlite_exporter.server.api.api_answers import DataAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.api_problems import Problem, ProblemError
from otel_sqlite_exporter.server.api.description.json_shapes import TEXT, Schema, shape_object
from otel_sqlite_exporter.server.api.list_answers import LISTED

_RETRY_S = 1


def mark(name: str, kind: str, *, is_set: bool) -> Callable[[ApiBackend, Arguments], DataAnswer]:
    """Return what sets or takes away a mark of this kind of sessions or traces, and answers with the row."""

    def answer(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
        column = f"{name.removesuffix('s')}_id"
        found = set_mark(backend, column, arguments["id"], kind, arguments["text"] if is_set else None)
        return DataAnswer(backend.file.read(get_by_prefix, LISTED[name], column, found).to_dict())

    return answer


def set_mark(backend: ApiBackend, column: str, id: str, kind: str, text: str | None) -> str:
    """Set the mark of what has this id in `column`, or take it away where `text` is None, and return the whole id.

    Raises:
        ProblemError: The server only reads, or the file cannot be written now.
        NotFoundError, ArgumentError, FileRefusedError: As `Annotations` raises them.
    """
    if not backend.may_write:
        detail = "this server receives nothing, and so it changes nothing: start it without --no-receiver"
        raise ProblemError(Problem("read-only", HTTPStatus.FORBIDDEN, detail))
    annotations = Annotations(backend.settings.path, busy_timeout_ms=backend.settings.busy_timeout_ms)
    place = {column: id}
    try:
        if kind == "pin":
            return annotations.unpin(**place) if text is None else annotations.pin(**place, label=text)
        return annotations.remove_note(**place) if text is None else annotations.note(text, **place)
    except (sqlite3.Error, OSError) as error:
        detail = f"the file cannot be written now ({explain_error(error)}): ask again in a second"
        retry = {"Retry-After": str(_RETRY_S)}
        problem = Problem("file-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=retry)
        raise ProblemError(problem) from error


def _read_body(name: str, default: str | None, body: bytes) -> dict[str, Any]:
    """Return the one argument in the body of a request, as `text`."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise FilterError("body", f'it is not a JSON object: give {{"{name}": "..."}}')
    for key in given:
        if key != name:
            raise FilterError(key, f"there is no such argument: give {name}")
    text = given.get(name, default)
    if not isinstance(text, str):
        raise FilterError(name, "it is missing, or not a text")
    return {"text": text}


MARKS: Mapping[str, tuple[str, Callable[[bytes], dict[str, Any]], Schema]] = {
    "pin": ("pin", partial(_read_body, "label", ""), shape_object({"label": TEXT}, optional=("label",))),
    "note": ("note", partial(_read_body, "text", None), shape_object({"text": TEXT})),
}
"""By the last part of the path: the kind, what reads the body of a PUT, and the shape of that."""
