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
from otel_sqlite_exporter.cli.formatting import format_value, print_lines
from otel_sqlite_exporter.cli.progress_bar import show_progress
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.errors import FilterError, ForeignFileError, MissingPackageError, UnreadableSourceError
from otel_sqlite_exporter.model.plural import count

if TYPE_CHECKING:
    from otel_sqlite_exporter.imports.importer import Totals
    from otel_sqlite_exporter.imports.source_reports import SourceReport
    from otel_sqlite_exporter.settings import Settings

_OF_OTLP = ("since", "until", "signal")
"""Options of `export` that only OTLP has."""


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--into", metavar="PATH", expose_value=False, callback=opt.resolve_path, help="The file to write to.")
@opt.TIMEZONE
@click.option(
    "--largest-document",
    metavar="MIB",
    type=click.IntRange(1, 1_024),
    default=64,
    show_default=True,
    help="The largest document, line or message that is read, in MiB.",
)
@click.option(
    "--unpacking-ratio",
    metavar="N",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Read a packed file up to N times its size, if that is more than 64 MiB.",
)
@opt.JSON
@click.pass_obj
def import_(
    settings: Settings,
    files: tuple[str, ...],
    *,
    timezone: str,
    largest_document: int,
    unpacking_ratio: int,
    as_json: bool,
) -> int:
    """Import OTLP files, telemetry files of coding agents and event logs into a file.

    FILE is OTLP as JSON in any layout, OTLP as protobuf, spans, log records and metrics as the SDKs of JavaScript and
    Python write them (Copilot, Gemini CLI, console exporters), or an event log, each plain or compressed; `-` is
    standard input. The format is detected from the content. The sessions that Claude Code, Codex and Gemini CLI keep
    for themselves are no telemetry.

    Records that were imported before are skipped, also after an interrupted import. Lines that cannot be read are
    reported and kept in quarantine; a value that cannot be kept as it came is reported and its record kept. The exit
    code is 1 then. If a FILE cannot be opened, nothing is imported.
    """
    from otel_sqlite_exporter.imports.importer import Importer
    from otel_sqlite_exporter.imports.reading_limits import MIB, ReadingLimits
    from otel_sqlite_exporter.imports.sources import check_source, open_source
    from otel_sqlite_exporter.model.timezones import parse_timezone

    reports: list[SourceReport] = []
    failed: list[str] = []
    zone = parse_timezone(timezone)
    limits = ReadingLimits(largest_document * MIB, unpacking_ratio)
    for name in files:
        with _print_failure(name, failed):
            check_source(name)
    if failed:
        if failed == [files[-1]] != [*files] and not os.path.exists(files[-1]):
            print_lines(f"to write to it, give --into {format_value(files[-1])}", to_stderr=True)
        return opt.REFUSED
    with closing(Importer(settings, zone)) as importer:
        for name in files:
            label = name.rpartition("/")[2]
            with (
                _print_failure(name, failed),
                open_source(name, limits) as source,
                show_progress(label, in_bytes=True) as show,
            ):

                def on_progress(report: SourceReport) -> None:
                    show(source.position, source.size, count(report.spans + report.logs + report.points, "record"))

                reports.append(importer.import_source(source, on_progress))
        totals = importer.read_totals()
    _show_import(settings.path, reports, totals, as_json=as_json)
    if failed:
        return opt.REFUSED
    needs_attention = any(report.refused or report.altered or report.damages for report in reports)
    return opt.ATTENTION if totals.repaired or needs_attention else 0


@contextmanager
def _print_failure(name: str, failed: list[str]) -> Iterator[None]:
    """Print why a source cannot be read, and add its name to `failed`."""
    try:
        yield
    except (UnreadableSourceError, ForeignFileError, MissingPackageError, OSError) as error:
        failed.append(name)
        why = f"{error.filename or name}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        print_lines(f"Error: {format_value(why)}", to_stderr=True)


def _show_import(path: str, reports: Sequence[SourceReport], totals: Totals, *, as_json: bool) -> None:
    """Print what was imported, and on stderr what could not be read; nothing if no source could be opened."""
    for report in reports:
        source = format_value(report.source)
        for position, reason in report.refusals:
            print_lines(f"{source}: {position}: {format_value(reason)}", to_stderr=True)
        if more := report.refused - len(report.refusals):
            print_lines(f"{source}: {more} more could not be read", to_stderr=True)
        for one in report.alterations:
            times = f" ({one.count} times)" if one.count > 1 else ""
            print_lines(f"{source}: {one.location}: {format_value(one.what)}{times}", to_stderr=True)
        for key in report.unknown:
            print_lines(f"{source}: not read: {format_value(key)}", to_stderr=True)
        for damage in report.damages:
            print_lines(f"{source}: {format_value(damage)}", to_stderr=True)
    if as_json:
        return print_json({"path": path, **totals._asdict(), "sources": [asdict(report) for report in reports]})
    for report in reports:
        print_lines(f"{format_value(report.source)}: {_describe_source(report)}")
    if reports:
        already = count(totals.duplicate, "was already there", "were already there")
        quarantined = f", {count(totals.quarantined, 'is', 'are')} in quarantine" if totals.quarantined else ""
        altered = f", {count(totals.repaired, 'value was', 'values were')} altered" if totals.repaired else ""
        print_lines(f"wrote {count(totals.written, 'record')} to {path}, {already}{quarantined}{altered}")


def _describe_source(report: SourceReport) -> str:
    parts = [f"{count(report.spans, 'span')}, {count(report.logs, 'log record')}"]
    if report.points:
        parts[0] += f", {count(report.points, 'data point')}"
    if report.marks:
        parts.append(count(report.marks, "pin or note", "pins and notes"))
    if report.known:
        of = f"of {report.pieces} lines, documents or messages"
        parts.append(count(report.known, f"{of} was imported before", f"{of} were imported before"))
    for signal, ignored in sorted(report.ignored.items()):
        parts.append(count(ignored, f"message of {signal} is not stored", f"messages of {signal} are not stored"))
    if report.refused:
        parts.append(f"{report.refused} could not be read")
    if report.altered:
        parts.append(count(report.altered, "value was altered or left out", "values were altered or left out"))
    if report.formats:
        parts.append("format: " + ", ".join(f"{name} ({number})" for name, number in report.formats.items()))
    return "; ".join(parts)


@click.command()
@opt.SETTINGS
@opt.SESSION
@opt.TRACE
@opt.SINCE
@opt.UNTIL
@click.option(
    "--format",
    "form",
    type=click.Choice(["otlp", "perfetto"]),
    default="otlp",
    show_default=True,
    help="Lines of OTLP JSON, or a trace for Perfetto's viewer, of one trace or one session.",
)
@click.option("--signal", type=click.Choice(["traces", "logs", "metrics"]), help="Only this signal.")
@click.option("--output", default="-", metavar="FILE", help="The file to write; - (the default) is standard output.")
@opt.REDACT_KEYS
@opt.REDACT_VALUES
@opt.NO_CONTENT
@opt.METADATA_ONLY
@click.pass_obj
def export(
    settings: Settings,
    /,
    *,
    form: str,
    output: str,
    redact_keys: tuple[str, ...],
    redact_values: tuple[str, ...],
    no_content: bool,
    metadata_only: bool,
    **criteria: str | None,
) -> None:
    """Write spans, log records and metrics as lines of OTLP JSON, or a trace or a session for Perfetto's viewer.

    Writes everything that meets all given options; of a dataset, a session or a trace. `import` and any tool that reads
    OTLP JSON read the lines; imported again, they give the same records. FILE appears when it is complete; an existing
    FILE is replaced then.

    Running spans are left out, because OTLP has no form for them. The settings that redact what exporters write, of the
    environment and of the options, redact what is exported.

    With `--format perfetto`, which takes --trace or --session, FILE is a trace that https://ui.perfetto.dev opens.
    """
    from otel_sqlite_exporter.cli.datasets.restored_source import open_source
    from otel_sqlite_exporter.cli.outputs.output_file import write_pieces
    from otel_sqlite_exporter.query.exports.otlp_export import read_export
    from otel_sqlite_exporter.query.exports.perfetto_export import read_perfetto
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.sharing.redaction_options import add_redaction

    settings = add_redaction(
        settings,
        redact_keys=redact_keys,
        redact_values=redact_values,
        no_content=no_content,
        metadata_only=metadata_only,
    )
    if form == "perfetto":
        for name in _OF_OTLP:
            if criteria.pop(name) is not None:
                raise FilterError(name, "an export as perfetto is of a whole trace or session: leave it out")
    read = read_perfetto if form == "perfetto" else read_export
    with open_source(settings, criteria) as (source, asked):
        file = TelemetryFile(source.path, source.busy_timeout_ms)
        done = write_pieces(read(file, **asked, settings=source), output, source=source.path)
    running = f"; left out: {count(done.left_out, 'running span')}" if done.left_out else ""
    marks = f", {count(done.marks, 'pin or note', 'pins and notes')}" if done.marks else ""
    points = f", {count(done.points, 'data point')}" if done.points else ""
    exported = f"{count(done.spans, 'span')}, {count(done.logs, 'log record')}{points}{marks}"
    print_lines(f"exported {exported}{running}", to_stderr=True)


COMMANDS = (import_, export)
