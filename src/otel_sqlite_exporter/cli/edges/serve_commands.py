# SPDX-License-Identifier: Apache-2.0
"""The command that runs the server: serve."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.edges.access_options import add_access_options, find_token_file
from otel_sqlite_exporter.cli.formatting import discard_output, print_lines
from otel_sqlite_exporter.server.running.serve_packages import check_packages, name_pip_command

if TYPE_CHECKING:
    from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
    from otel_sqlite_exporter.server.serve_options import ServeOptions
    from otel_sqlite_exporter.server.serving import TelemetryServer
    from otel_sqlite_exporter.settings import Settings

_READ = {"/api/v1": "/api/v1/info", "/metrics": "/metrics"}
_WILDCARDS = ("0.0.0.0", "[::]")


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
@click.option("--no-api", is_flag=True, help="Serve neither the API, /api/v1, nor the page, which needs it.")
@click.option("--no-page", is_flag=True, help="Do not serve the page for browsers, /.")
@click.option("--no-metrics", is_flag=True, help="Do not serve the page for Prometheus, /metrics.")
@click.option(
    "--tools/--no-tools",
    "has_tools",
    default=None,
    help="Serve tools for coding agents, /mcp. Default: if the extra `mcp` is installed.",
)
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
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser of this user.")
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
    no_api: bool,
    no_page: bool,
    no_metrics: bool,
    has_tools: bool | None,
    largest_request: int,
    largest_unpacked: int,
    is_opened: bool,
    token_file: str | None,
    **access: Any,
) -> None:
    """Receive OTLP over HTTP and gRPC into a file, and serve what the file holds.

    Programs with any SDK of OpenTelemetry send to it; scripts, Prometheus and coding agents read from it. The file is
    created if it does not exist; other programs read and write it meanwhile. SIGTERM and Ctrl-C stop the server: it
    writes what waits first.

    Only this machine reaches it, unless --host says otherwise. Then it needs tokens, which the command `token` creates,
    and TLS.
    """
    check_packages([extra for extra, is_on in (("grpc", has_grpc), ("mcp", has_tools)) if is_on])
    from otel_sqlite_exporter.server.access.access_policy import make_policy
    from otel_sqlite_exporter.server.request_intake import MIB, make_limits
    from otel_sqlite_exporter.server.running.listening import LOOPBACK, check_hosts
    from otel_sqlite_exporter.server.running.log_lines import log_to_stderr
    from otel_sqlite_exporter.server.running.open_files import allow_open_files
    from otel_sqlite_exporter.server.serve_options import ServeOptions
    from otel_sqlite_exporter.server.serving import TelemetryServer

    check_hosts(hosts)
    policy = make_policy(hosts or LOOPBACK, token_file=find_token_file(token_file, settings.path), **access)
    options = ServeOptions(
        hosts=hosts,
        port=port,
        grpc_port=grpc_port,
        has_receiver=not no_receiver,
        has_grpc=has_grpc,
        has_api=not no_api,
        has_page=not no_page,
        has_metrics=not no_metrics,
        has_tools=has_tools,
        limits=make_limits(largest_request * MIB, largest_unpacked * MIB),
        policy=policy,
    )
    server = TelemetryServer(settings, options)
    allow_open_files()
    log_to_stderr(server.is_stopping)
    name = (*access["allow_hosts"], "HOST")[0]
    if is_opened and "/" not in server.paths:
        server.close()
        raise click.UsageError("--open needs the page: leave --no-page and --no-api out")

    def announce() -> None:
        _show_start(server, settings.path, policy, options, name)
        if is_opened:  # on a thread: a browser may take long to start, and requests wait meanwhile
            threading.Thread(target=_open_page, args=(f"{server.base_urls[0]}/", policy), daemon=True).start()

    server.run(announce, _show_stop)


def _show_start(server: TelemetryServer, path: str, policy: AccessPolicy, options: ServeOptions, name: str) -> None:
    """Print where the server is reached. `name` stands for an address that means all of the machine."""
    if server.warnings:
        print_lines(*(f"Warning: {warning}" for warning in server.warnings), to_stderr=True)
    urls, addresses = _name_hosts(server.base_urls, name), _name_hosts(server.grpc_addresses, name)
    lines = [f"serving {path}{server.made and f' ({server.made})'}", *(f"  {url}" for url in urls)]
    lines += [f"  {address} (gRPC)" for address in addresses]
    if urls != list(server.base_urls) and name == "HOST":
        lines.append("HOST is an address of this machine, or a name that --allow-host gives")
    if "/v1" in server.paths:
        lines.append(f"to send: OTEL_EXPORTER_OTLP_ENDPOINT={urls[0]} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
    if addresses:
        url = f"{urls[0].partition(':')[0]}://{addresses[0]}"
        lines.append(f"or gRPC: OTEL_EXPORTER_OTLP_ENDPOINT={url} OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
    if policy.needs_token:
        lines.append("with a token: OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN")
    if "/" in server.paths:
        lines.append(f"to look: {urls[0]}/")
    if readable := [f"{urls[0]}{page}" for part, page in _READ.items() if part in server.paths]:
        lines.append(f"to read: {', '.join(readable)}")
    if "/mcp" in server.paths:
        lines.append(f"tools for agents: {urls[0]}/mcp")
    print_lines(*lines, *_describe_missing(server, options), "Ctrl-C stops it")


def _open_page(url: str, policy: AccessPolicy) -> None:
    """Open the page in a browser. A machine may have none, and one that needs a token gets in by a link."""
    if policy.needs_token:
        print_lines(f"Warning: {url} asks for a token: open what `token link` prints", to_stderr=True)
    elif not _start_browser(url):
        print_lines(f"Warning: no browser could be started: open {url}", to_stderr=True)


def _start_browser(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except (OSError, webbrowser.Error):
        return False


def _name_hosts(addresses: Iterable[str], name: str) -> list[str]:
    """Return addresses that can be used: an address that means all of the machine is none."""
    for wildcard in _WILDCARDS:
        addresses = [address.replace(f"{wildcard}:", f"{name}:") for address in addresses]
    return list(dict.fromkeys(addresses))


def _describe_missing(server: TelemetryServer, options: ServeOptions) -> Iterator[str]:
    """Yield what is off because its package is not installed."""
    is_missing = {
        "grpc": ("gRPC", options.has_receiver and options.has_grpc is None and not server.grpc_addresses),
        "mcp": ("tools for agents", options.has_tools is None and "/mcp" not in server.paths),
    }
    extras = {extra: what for extra, (what, is_off) in is_missing.items() if is_off}
    if extras:
        yield f"off: {' and '.join(extras.values())}, for which {name_pip_command(extras)}"


def _show_stop() -> None:
    try:
        print_lines("stopping: what was taken is written")
    except OSError:  # nobody reads it
        discard_output()


COMMANDS = (serve,)
