# SPDX-License-Identifier: Apache-2.0
"""The command that runs the server: serve."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.edges.access_options import add_access_options, find_token_file
from otel_sqlite_exporter.cli.formatting import print_lines
from otel_sqlite_exporter.errors import MissingPackageError

if TYPE_CHECKING:
    from otel_sqlite_exporter.server.serving import TelemetryServer
    from otel_sqlite_exporter.settings import Settings

_PACKAGES = ("starlette", "uvicorn", "jinja2", "sse_starlette", "prometheus_client", "lark")


@click.command()
@opt.SETTINGS
@click.option(
    "--host",
    "hosts",
    metavar="ADDRESS",
    multiple=True,
    help="The address or name to listen on; may be repeated. Default: 127.0.0.1 and ::1, for this machine alone.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4318, show_default=True, help="The port of HTTP; 0 picks one."
)
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65535),
    default=4317,
    show_default=True,
    help="The port of OTLP over gRPC; 0 picks one.",
)
@click.option(
    "--grpc/--no-grpc",
    "has_grpc",
    default=None,
    help="Receive OTLP over gRPC. Default: if the extra `grpc` is installed.",
)
@click.option("--no-receiver", is_flag=True, help="Receive nothing: the file is only read.")
@click.option(
    "--largest-request",
    metavar="MIB",
    type=click.IntRange(1, 1_024),
    default=16,
    show_default=True,
    help="The largest request that is taken, as it is sent, in MiB.",
)
@click.option(
    "--largest-unpacked",
    metavar="MIB",
    type=click.IntRange(1, 1_024),
    default=64,
    show_default=True,
    help="The largest request that is taken, when it is unpacked, in MiB.",
)
@add_access_options
@click.pass_obj
def serve(
    settings: Settings,
    /,
    *,
    hosts: tuple[str, ...],
    port: int,
    grpc_port: int,
    has_grpc: bool | None,
    no_receiver: bool,
    largest_request: int,
    largest_unpacked: int,
    token_file: str | None,
    **access: Any,
) -> None:
    """Receive OTLP over HTTP and gRPC, and write it into a file.

    Programs with any SDK of OpenTelemetry send to it, and programs and agents read what it has by HTTP. The file is
    created by the first request; other programs read and write it meanwhile. SIGTERM and Ctrl-C stop the server: it
    writes what waits first.
    """
    for name in _PACKAGES:
        if find_spec(name) is None:
            raise MissingPackageError(
                f"`serve` needs {name.replace('_', '-')}: `pip install 'otel-sqlite-exporter[serve]'`"
            )
    from otel_sqlite_exporter.server.access.access_policy import make_policy
    from otel_sqlite_exporter.server.listening import LOOPBACK
    from otel_sqlite_exporter.server.log_lines import log_to_stderr
    from otel_sqlite_exporter.server.request_intake import MIB, make_limits
    from otel_sqlite_exporter.server.serving import ServeOptions, TelemetryServer

    limits = make_limits(largest_request * MIB, largest_unpacked * MIB)
    policy = make_policy(hosts or LOOPBACK, token_file=find_token_file(token_file, settings.path), **access)
    options = ServeOptions(hosts, port, grpc_port, not no_receiver, has_grpc, limits, policy)
    server = TelemetryServer(settings, options)
    log_to_stderr()
    _show_start(server, settings.path, is_received=not no_receiver)
    server.run()


def _show_start(server: TelemetryServer, path: str, *, is_received: bool) -> None:
    if server.warnings:
        print_lines(*(f"Warning: {warning}" for warning in server.warnings), to_stderr=True)
    lines = [f"serving {path}", *(f"  {url}" for url in server.base_urls)]
    lines += [f"  {address} (gRPC)" for address in server.grpc_addresses]
    if is_received:
        lines.append(f"to send: OTEL_EXPORTER_OTLP_ENDPOINT={server.base_urls[0]}")
    print_lines(*lines, "Ctrl-C stops it")


COMMANDS = (serve,)
