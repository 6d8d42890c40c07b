# SPDX-License-Identifier: Apache-2.0
"""What `import` has done, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from otel_sqlite_exporter.cli.table_cells import format_value
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.imports.importer import SourceReport, Totals
from otel_sqlite_exporter.model.plural import count


def render_import(path: str, reports: Sequence[SourceReport], totals: Totals, *, as_json: bool) -> None:
    """Print what was imported, and on stderr what could not be read; nothing where no source was one."""
    for report in reports:
        for place, reason in report.refusals:
            click.echo(f"{format_value(report.source)}: {place}: {format_value(reason)}", err=True)
        more = report.refused - len(report.refusals)
        if more:
            click.echo(f"{format_value(report.source)}: {more} more could not be read", err=True)
    if as_json:
        return print_json({"path": path, **totals._asdict(), "sources": [asdict(report) for report in reports]})
    for report in reports:
        click.echo(_describe_source(report))
    if not reports:
        return
    already = count(totals.duplicate, "was there already", "were there already")
    quarantined = f", {count(totals.quarantined, 'is', 'are')} in quarantine" if totals.quarantined else ""
    click.echo(f"wrote {count(totals.written, 'record')} to {path}, {already}{quarantined}")


def _describe_source(report: SourceReport) -> str:
    parts = [f"{count(report.spans, 'span')}, {count(report.logs, 'log record')}"]
    if report.known:
        parts.append(f"{report.known} of {report.pieces} lines, documents or messages were imported before")
    parts += [
        count(ignored, f"message of {signal} is not stored", f"messages of {signal} are not stored")
        for signal, ignored in sorted(report.ignored.items())
    ]
    if report.refused:
        parts.append(f"{report.refused} could not be read")
    return f"{format_value(report.source)}: {'; '.join(parts)}"
