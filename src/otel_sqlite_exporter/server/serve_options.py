# SPDX-License-Identifier: Apache-2.0
"""What a server does, where and for whom; and the parts that it is made of for that."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.application import ServerPart
from otel_sqlite_exporter.server.request_intake import RequestLimits

_PACKAGE = "otel_sqlite_exporter.server"


class ServeOptions(NamedTuple):
    """What a server does, where, and for whom.

    Attributes:
        hosts: Names or addresses to listen on; none means both loopback addresses.
        port: The port of HTTP; 0 means any.
        grpc_port: The port of gRPC; 0 means any.
        has_receiver: Whether OTLP is received.
        has_grpc: Whether it is received over gRPC too; None: if grpcio is installed.
        has_api: Whether `/api/v1` is served.
        has_page: Whether the page is, at `/`. It needs the API.
        has_metrics: Whether `/metrics` is.
        has_tools: Whether `/mcp` is; None: if mcp is installed.
        limits: What one request may cost.
        policy: Who may do what; None: what `make_policy` says of `hosts`, with the tokens beside the file.
    """

    hosts: tuple[str, ...] = ()
    port: int = 4318
    grpc_port: int = 4317
    has_receiver: bool = True
    has_grpc: bool | None = None
    has_api: bool = True
    has_page: bool = True
    has_metrics: bool = True
    has_tools: bool | None = None
    limits: RequestLimits = RequestLimits()
    policy: AccessPolicy | None = None

    def is_grpc_on(self) -> bool:
        """Return whether OTLP is received over gRPC.

        Raises:
            MissingPackageError: It was asked for, and grpcio is not installed.
        """
        return self.has_receiver and _is_on(
            self.has_grpc,
            "grpc",
            "gRPC needs grpcio: `pip install 'otel-sqlite-exporter[serve,grpc]'`, or leave --grpc out",
        )

    def are_tools_on(self) -> bool:
        """Return whether tools for agents are served.

        Raises:
            MissingPackageError: They were asked for, and mcp is not installed.
        """
        return _is_on(
            self.has_tools,
            "mcp",
            "tools for agents need mcp: `pip install 'otel-sqlite-exporter[serve,mcp]'`, or leave --tools out",
        )


def load_parts(options: ServeOptions) -> dict[str, ServerPart]:
    """Return the parts that are switched on, each by the path that it serves. Without the page, `/` lists the others:
    that part has no name.

    Raises:
        MissingPackageError: A part was asked for whose package is not installed.
    """
    has_page = options.has_page and options.has_api
    modules = {
        "": ("api.index_page", not has_page),
        "/livez": ("health_checks", True),
        "/v1": ("otlp_http", options.has_receiver),
        "/api/v1": ("api.api_routes", options.has_api),
        "/metrics": ("prometheus.metrics_page", options.has_metrics),
        "/mcp": ("mcp_mount", options.are_tools_on()),
        "/": ("page.page_routes", has_page),  # the last: it answers for all paths that a browser opens
    }
    return {path: import_module(f"{_PACKAGE}.{module}") for path, (module, is_on) in modules.items() if is_on}


def _is_on(is_asked: bool | None, package: str, sentence: str) -> bool:
    if is_asked is False or find_spec(package) is not None:
        return is_asked is not False
    if is_asked:
        raise MissingPackageError(sentence)
    return False
