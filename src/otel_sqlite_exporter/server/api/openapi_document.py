# SPDX-License-Identifier: Apache-2.0
"""`openapi.json` (OpenAPI 3.1), from the route table."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.server.api.api_answers import encode_json
from otel_sqlite_exporter.server.api.api_problems import MEDIA_TYPE
from otel_sqlite_exporter.server.api.description.answer_shapes import CHANGES, COMPONENTS
from otel_sqlite_exporter.server.api.description.api_route import EVENT_STREAM, JSON, PREFIX, ApiRoute
from otel_sqlite_exporter.server.api.description.json_shapes import refer, shape_envelope
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.api.route_table import ROUTES
from otel_sqlite_exporter.version import __version__

_ETAG = {"ETag": {"description": "Changes with the file.", "schema": {"type": "string"}}}
_PROBLEM = {MEDIA_TYPE: {"schema": refer("Problem")}}
_PROBLEMS = {
    "400": "An argument cannot be used; `argument` names it.",
    "401": "A token is missing.",
    "403": "The token or the origin of the request is not allowed, or the server only reads.",
    "404": "There is no such thing, or several whose ids begin so.",
    "405": "The route does not take this method.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "421": "The name of the host is not allowed.",
    "503": "The file cannot be read now, or not by this version.",
}
_ABOUT = (
    "Reads one file of otel-sqlite-exporter. Nanoseconds since 1970 are JSON integers beyond 2^53: readers that hold "
    "numbers as doubles, such as JavaScript's JSON.parse, round them. The times as text are exact to the microsecond."
)


def make_document() -> bytes:
    """Return the document as JSON."""
    paths: dict[str, Any] = {
        "/openapi.json": {
            "get": {
                "operationId": "get_openapi_json",
                "summary": "This document.",
                "responses": {
                    "200": {"description": "OpenAPI 3.1.", "content": {JSON: {"schema": {"type": "object"}}}}
                },
            }
        }
    }
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _describe_route(route)
    return encode_json(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "otel-sqlite-exporter",
                "version": __version__,
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": PREFIX}],
            "security": [{}, {"token": []}],
            "paths": paths,
            "components": {
                "schemas": dict(COMPONENTS),
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _describe_route(route: ApiRoute) -> dict[str, Any]:
    name = "_".join(part.strip("{}") for part in route.path.strip("/").split("/"))
    described: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{name}",
        "summary": route.about,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": _describe_content(route),
                **({"headers": _ETAG} if route.has_state else {}),
            },
            **({"304": {"description": "Nothing has changed since If-None-Match."}} if route.has_state else {}),
            **{status: {"description": about, "content": _PROBLEM} for status, about in _PROBLEMS.items()},
        },
    }
    if route.parameters:
        described["parameters"] = [*map(_describe_parameter, route.parameters)]
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": route.body}}}
    return described


def _describe_content(route: ApiRoute) -> dict[str, Any]:
    if route.has_envelope:
        return {JSON: {"schema": shape_envelope(route.shape or {})}}
    if route.shape is not None:
        return {JSON: {"schema": route.shape}}
    schema: dict[str, Any] = {"type": "string"}
    if route.media_types == (EVENT_STREAM,):
        # The data of the events `changes`; OpenAPI 3.1 has no form for a stream of events.
        schema = {"type": "string", "contentMediaType": JSON, "contentSchema": CHANGES}
    return {type: {"schema": schema} for type in route.media_types}


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.about,
        "schema": parameter.describe(),
    }
    if parameter.is_required or parameter.where == "path":
        described["required"] = True
    if parameter.is_list:
        described |= {"style": "form", "explode": True}
    return described
