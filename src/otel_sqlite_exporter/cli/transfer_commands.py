# SPDX-License-Identifier: Apache-2.0
"""Commands that bring records into a file and out of it: import, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.exit_codes import ATTENTION, REFUSED, resolve
from otel_sqlite_exporter.errors import MissingPackageError, UnreadableSourceError
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.imports.importer import SourceReport


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--into", "path", metavar="PATH", help="The file to write to.")
@click.option(
    "--timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="Of event logs: where times without an offset are from; `local`, +02:00 or a name such as Europe/Berlin.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def import_(ctx: click.Context, files: tuple[str, ...], path: str | None, *, timezone: str, as_json: bool) -> None:
    """Bring files of OTLP and event logs into a file.

    FILE is OTLP as JSON (lines, as the Collector and the SDK write them, or a document), OTLP as protobuf, or an event
    log of JSON lines; also packed with gzip, and `-` is standard input. What a file is, is told by what is in it.

    What was imported before is passed over, also if that was cut short. Lines that cannot be read are named, and kept
    in quarantine; the exit code is 1 then.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.progress_bar import show_progress
    from otel_sqlite_exporter.cli.render_import import render_import
    from otel_sqlite_exporter.imports.importer import open_importer
    from otel_sqlite_exporter.imports.sources import open_source
    from otel_sqlite_exporter.imports.timestamps import parse_timezone

    reports: list[SourceReport] = []
    is_refused = False
    with open_importer(settings, parse_timezone(timezone)) as importer:
        for name in files:
            try:
                with open_source(name) as source, show_progress(source) as progress:
                    reports.append(importer.import_source(source, progress))
            except (UnreadableSourceError, MissingPackageError) as error:
                is_refused = True
                click.echo(f"Error: {error}", err=True)
            except OSError as error:
                is_refused = True
                click.echo(f"Error: {error.filename or name}: {error.strerror or error}", err=True)
        totals = importer.read_totals()
    render_import(settings.path, reports, totals, as_json=as_json)
    if is_refused:
        ctx.exit(REFUSED)
    ctx.exit(ATTENTION if any(report.refused for report in reports) else 0)


@click.command("export")
@click.argument("path", required=False)
@click.option("--session", "session_id", metavar="ID", help="This session; the beginning of its id is enough.")
@click.option("--trace", "trace_id", metavar="ID", help="This trace; the beginning of its id is enough.")
@click.option("--since", metavar="TIME", help="What started then or later: ISO 8601, or how long ago, as 15m or 2d.")
@click.option("--until", metavar="TIME", help="What started before then.")
@click.option("--signal", type=click.Choice(["traces", "logs"]), help="These alone.")
@click.option("--output", default="-", metavar="FILE", help="Where to write to; - (the default) is standard output.")
@click.pass_context
def export(
    ctx: click.Context,
    path: str | None,
    *,
    session_id: str | None,
    trace_id: str | None,
    since: str | None,
    until: str | None,
    signal: str | None,
    output: str,
) -> None:
    """Write spans and log records as lines of OTLP.

    Everything, or what meets all that is given. Any tool for OTLP as JSON reads the lines, and so does `import`, which
    makes the same of them again. FILE is there when it is whole; one that was there is replaced.

    Spans that still run are left out: OTLP has no form for them.
    """
    settings = resolve(ctx, path)
    from otel_sqlite_exporter.cli.output_file import write_lines
    from otel_sqlite_exporter.query.otlp_export import read_export
    from otel_sqlite_exporter.query.reading import TelemetryFile

    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    lines = read_export(file, session_id=session_id, trace_id=trace_id, since=since, until=until, signal=signal)
    done = write_lines(lines, output, source=settings.path)
    running = ""
    if done.left_out:
        running = f"; left out: {count(done.left_out, 'span that still runs', 'spans that still run')}"
    click.echo(f"exported {count(done.spans, 'span')}, {count(done.logs, 'log record')}{running}", err=True)


COMMANDS = (import_, export)
