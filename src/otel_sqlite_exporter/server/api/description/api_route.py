# SPDX-License-Identifier: Apache-2.0
"""How a route of the API is declared, and the arguments that several have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import SpanFilter
from otel_sqlite_exporter.server.api.api_answers import ApiAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.description.json_shapes import Schema
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters

PREFIX = "/api/v1"
Answerer = Callable[[ApiBackend, Arguments], ApiAnswer]
JSON, EVENT_STREAM = "application/json", "text/event-stream"


class ApiRoute(NamedTuple):
    """One route.

    Attributes:
        path: Below `PREFIX`; `{name}` is a parameter.
        answer: Answers on a thread that may read the file; None: the route is a stream of events.
        parameters: Those of the path first.
        shape: The shape of `data` in the envelope; of another media type than JSON: None.
        has_state: The answer is a function of the file, so it has an ETag.
        media_types: Of the answer.
        read_body: Reads further arguments from the JSON body of a request.
        body: The shape of that.
        is_writing: It changes the file.
    """

    path: str
    about: str
    answer: Answerer | None
    parameters: tuple[Parameter, ...] = ()
    shape: Schema | None = None
    method: str = "GET"
    has_state: bool = True
    has_envelope: bool = True
    media_types: Sequence[str] = (JSON,)
    read_body: Callable[[bytes], dict[str, Any]] | None = None
    body: Schema | None = None
    is_writing: bool = False


LIMIT = Parameter("limit", "The most rows of a page.", "integer", default=50, minimum=1, maximum=500)
CURSOR = Parameter("cursor", "The `next_cursor` of the page before.")
SINCE, UNTIL = (one for one in make_filters(SpanFilter) if one.name in ("since", "until"))
