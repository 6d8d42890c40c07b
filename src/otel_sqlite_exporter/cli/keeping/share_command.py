# SPDX-License-Identifier: Apache-2.0
"""The command that hands on one session: share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_value, print_lines

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece
    from otel_sqlite_exporter.settings import Settings
    from otel_sqlite_exporter.sharing.masked_records import MaskedRecords
    from otel_sqlite_exporter.sharing.shared_sessions import SharedPiece

_SHOWN_KEYS = 20


@click.command()
@click.argument("id")
@opt.SETTINGS
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "markdown", "otlp"]),
    default="html",
    show_default=True,
    help="A page that holds all that it shows, Markdown, or lines of OTLP JSON.",
)
@click.option("--output", default="-", metavar="FILE", help="The file to write; - (the default) is standard output.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@opt.REDACT_KEYS
@opt.REDACT_VALUES
@opt.NO_CONTENT
@opt.METADATA_ONLY
@click.pass_obj
def share(
    settings: Settings,
    /,
    *,
    id: str,
    form: str,
    output: str,
    force: bool,
    redact_keys: tuple[str, ...],
    redact_values: tuple[str, ...],
    no_content: bool,
    metadata_only: bool,
) -> None:
    """Write one session, or one trace, to hand it on: as a page, as Markdown, or as OTLP.

    ID is that of a session or a trace; a unique prefix is enough. The page needs no other file, loads nothing and runs
    no script. Only the owner may read FILE.

    What the options mask, and the settings that redact what exporters write, is masked in every format: in attributes,
    events, links, resources, log records, data points of metrics, names and messages, and in JSON inside texts. A value
    that is masked under its key is masked wherever it stands again. stderr, the page and Markdown say what was masked:
    kinds, keys and numbers.
    """
    from otel_sqlite_exporter.cli.outputs.output_file import write_pieces
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.sharing.redaction_options import add_redaction
    from otel_sqlite_exporter.sharing.shared_sessions import find_shared, share

    file = TelemetryFile(settings.path, settings.busy_timeout_ms)
    settings = add_redaction(
        settings,
        redact_keys=redact_keys,
        redact_values=redact_values,
        no_content=no_content,
        metadata_only=metadata_only,
    )
    session_id, trace_id = find_shared(file, id)
    pieces = share(file, settings, form, session_id=session_id, trace_id=trace_id)
    write_pieces(_tell_first(pieces), output, source=settings.path, is_replaced=force)


def _tell_first(pieces: Iterator[SharedPiece]) -> Iterator[ExportedPiece]:
    """Yield the pieces as they are written, and print what was masked before the first."""
    from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece

    for piece in pieces:
        if piece.records is not None:
            _show_masked(piece.records)
        yield ExportedPiece(piece.content)


def _show_masked(records: MaskedRecords) -> None:
    from otel_sqlite_exporter.sharing.mask_report import NOTHING_MASKED, tell_masked, tell_records

    print_lines(f"shared {tell_records(records)}", to_stderr=True)
    told = [*tell_masked(records.masked)]
    for what, keys in told:
        named = ", ".join(f"{format_value(one.key)} ({one.number})" for one in keys[:_SHOWN_KEYS])
        more = f", and {len(keys) - _SHOWN_KEYS} more keys" if len(keys) > _SHOWN_KEYS else ""
        print_lines(f"masked: {what}: {named}{more}", to_stderr=True)
    if not told:
        print_lines(NOTHING_MASKED, to_stderr=True)


COMMANDS = (share,)
