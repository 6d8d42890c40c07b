# SPDX-License-Identifier: Apache-2.0
"""Commands that bring records into a file and out of it: import, export."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_value
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.errors import MissingPackageError, UnreadableSourceError
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.imports.importer import SourceReport, Totals
    from otel_sqlite_exporter.settings import Settings


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--into", metavar="PATH", expose_value=False, callback=opt.resolve_path, help="The file to write to.")
@opt.TIMEZONE
@opt.JSON
@click.pass_obj
def import_(settings: Settings, files: tuple[str, ...], *, timezone: str, as_json: bool) -> int:
    """Import OTLP files and event logs into a file.

    FILE is OTLP as JSON (one message, or lines as the Collector and the SDK write them), OTLP as protobuf, or an event
    log in JSON lines, each plain or compressed with gzip; `-` is standard input. The format is detected from the
    content.

    Records that were imported before are skipped, also after an interrupted import. Lines that cannot be read are
    reported and kept in quarantine, and the exit code is 1. If a FILE cannot be opened, nothing is imported.
    """
    from otel_sqlite_exporter.imports.importer import Importer
    from otel_sqlite_exporter.imports.sources import check_source, open_source
    from otel_sqlite_exporter.model.timezones import parse_timezone

    reports: list[SourceReport] = []
    failed: list[str] = []
    zone = parse_timezone(timezone)
    for name in files:
        with _print_failure(name, failed):
            check_source(name)
    if failed:
        if failed == [files[-1]] != [*files] and not os.path.exists(files[-1]):
            click.echo(f"to write to it, give --into {format_value(files[-1])}", err=True)
        return opt.REFUSED
    with closing(Importer(settings, zone)) as importer:
        for name in files:
            label = name.rpartition("/")[2]
            with _print_failure(name, failed), open_source(name) as source, show_progress(label, in_bytes=True) as show:

                def on_progress(report: SourceReport) -> None:
                    show(source.position, source.size, count(report.spans + report.logs, "record"))

                reports.append(importer.import_source(source, on_progress))
        totals = importer.read_totals()
    _show_import(settings.path, reports, totals, as_json=as_json)
    if failed:
        return opt.REFUSED
    return opt.ATTENTION if any(report.refused for report in reports) else 0


@contextmanager
def _print_failure(name: str, failed: list[str]) -> Iterator[None]:
    """Print why a source cannot be read, and add its name to `failed`."""
    try:
        yield
    except (UnreadableSourceError, MissingPackageError, OSError) as error:
        failed.append(name)
        why = f"{error.filename or name}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        click.echo(f"Error: {format_value(why)}", err=True)


def _show_import(path: str, reports: Sequence[SourceReport], totals: Totals, *, as_json: bool) -> None:
    """Print what was imported, and on stderr what could not be read; nothing if no source could be opened."""
    for report in reports:
        source = format_value(report.source)
        for position, reason in report.refusals:
            click.echo(f"{source}: {position}: {format_value(reason)}", err=True)
        if more := report.refused - len(report.refusals):
            click.echo(f"{source}: {more} more could not be read", err=True)
    if as_json:
        return print_json({"path": path, **totals._asdict(), "sources": [asdict(report) for report in reports]})
    for report in reports:
        click.echo(f"{format_value(report.source)}: {_describe_source(report)}")
    if reports:
        already = count(totals.duplicate, "was already there", "were already there")
        quarantined = f", {count(totals.quarantined, 'is', 'are')} in quarantine" if totals.quarantined else ""
        altered = f", {count(totals.repaired, 'value was', 'values were')} altered" if totals.repaired else ""
        click.echo(f"wrote {count(totals.written, 'record')} to {path}, {already}{quarantined}{altered}")


def _describe_source(report: SourceReport) -> str:
    parts = [f"{count(report.spans, 'span')}, {count(report.logs, 'log record')}"]
    if report.known:
        of = f"of {report.pieces} lines, documents or messages"
        parts.append(count(report.known, f"{of} was imported before", f"{of} were imported before"))
    for signal, ignored in sorted(report.ignored.items()):
        parts.append(count(ignored, f"message of {signal} is not stored", f"messages of {signal} are not stored"))
    if report.refused:
        parts.append(f"{report.refused} could not be read")
    return "; ".join(parts)


@click.command()
@opt.SETTINGS
@opt.SESSION
@opt.TRACE
@opt.SINCE
@opt.UNTIL
@click.option("--signal", type=click.Choice(["traces", "logs"]), help="Only this signal.")
@click.option("--output", default="-", metavar="FILE", help="The file to write; - (the default) is standard output.")
@click.pass_obj
def export(settings: Settings, /, *, output: str, **criteria: str | None) -> None:
    """Write spans and log records as lines of OTLP JSON.

    Writes everything that meets all given options. `import` and any tool that reads OTLP JSON read the lines; imported
    again, they give the same records. FILE appears when it is complete; an existing FILE is replaced then.

    Running spans are left out, because OTLP has no form for them.
    """
    from otel_sqlite_exporter.cli.output_file import write_lines
    from otel_sqlite_exporter.query.otlp_export import read_export
    from otel_sqlite_exporter.query.reading import TelemetryFile

    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    done = write_lines(read_export(file, **criteria), output, source=settings.path)
    running = f"; left out: {count(done.left_out, 'running span')}" if done.left_out else ""
    click.echo(f"exported {count(done.spans, 'span')}, {count(done.logs, 'log record')}{running}", err=True)


COMMANDS = (import_, export)
