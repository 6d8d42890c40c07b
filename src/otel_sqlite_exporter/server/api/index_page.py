# SPDX-License-Identifier: Apache-2.0
"""`/api/v1`, and `/` of a server without the page: where everything else is, as JSON with links."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from otel_sqlite_exporter.server.server_context import ServerContext
from otel_sqlite_exporter.version import __version__

_LINKS = {
    "page": ("/", "the page for browsers"),
    "info": ("/api/v1/info", "what the file holds"),
    "sessions": ("/api/v1/sessions", "the sessions"),
    "traces": ("/api/v1/traces", "the traces"),
    "calls": ("/api/v1/calls", "the model calls"),
    "series": ("/api/v1/metrics", "the metrics that were recorded"),
    "openapi": ("/api/v1/openapi.json", "all routes of the API"),
    "metrics": ("/metrics", "numbers for Prometheus"),
    "ready": ("/readyz", "whether the file can be used"),
    "tools": ("/mcp", "tools for coding agents: they ask with POST"),
    "receiver": ("/v1/traces", "where telemetry is sent with POST; also /v1/logs and /v1/metrics"),
}


def make_routes(context: ServerContext, path: str = "/") -> list[BaseRoute]:
    """Return the route of `path`."""
    parts = (*context.paths, "/readyz")
    links = [
        {"name": name, "href": href, "title": title}
        for name, (href, title) in _LINKS.items()
        if any(href == part or (part.strip("/") and href.startswith(f"{part}/")) for part in parts)
    ]
    index = {"name": "otel-sqlite-exporter", "version": __version__, "links": links}

    async def answer(request: Request) -> Response:
        return JSONResponse(index)

    return [Route(path, answer, methods=["GET"])]
