# SPDX-License-Identifier: Apache-2.0
"""Commands that bring records into a file and out of it: import, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli.context import ATTENTION, REFUSED, resolve
from otel_sqlite_exporter.errors import MissingPackageError, UnreadableSourceError

if TYPE_CHECKING:
    from otel_sqlite_exporter.ingest.imports import SourceReport


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
    from otel_sqlite_exporter.cli.progress import show_progress
    from otel_sqlite_exporter.cli.render_import import render_import
    from otel_sqlite_exporter.ingest.imports import open_importer
    from otel_sqlite_exporter.ingest.sources import open_source
    from otel_sqlite_exporter.ingest.timestamps import parse_timezone

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


COMMANDS = (import_,)
