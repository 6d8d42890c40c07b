# SPDX-License-Identifier: Apache-2.0
"""How commands print: tables for a terminal, aligned columns for a pipe, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from otel_sqlite_exporter.cli.table_cells import Bar, Interval, Table, Value, format_value

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def print_json(value: object) -> None:
    """Print `value` as one JSON document."""
    click.echo(format_json(value, indent=2))


def format_json(value: object, *, indent: int | None = None) -> str:
    """Return `value` as JSON, which has no word for numbers that are not finite: they are null."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_leave_out_infinities(value), indent=indent)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as RFC 4180 has them; a missing value is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables: with rich on a terminal, through a pager where they are longer than that; else as plain text."""
    if is_terminal():
        from otel_sqlite_exporter.cli.column_widths import draw_table

        width = shutil.get_terminal_size().columns
        _print_on_terminal([part for table in tables for part in draw_table(table, width)])
    else:
        click.echo("\n\n".join(_format_plain(table) for table in tables))


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def format_time(text: str | None) -> str | None:
    """Return the time of an ISO 8601 text as it is; for a terminal without year and fraction."""
    return f"{text[5:10]} {text[11:19]}" if text is not None and is_terminal() else text


def _leave_out_infinities(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _leave_out_infinities(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_leave_out_infinities(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_on_terminal(parts: Sequence[RenderableType]) -> None:
    console = _make_console()
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    text = capture.get()
    is_watched = sys.stdin is not None and sys.stdin.isatty()
    if is_watched and text.count("\n") >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text, color=None if console.color_system else False)
    else:
        click.echo(text, nl=False, color=True)


def _make_console() -> Console:
    from rich.console import Console

    # Without a colour system no escape sequence is written at all, bold and dim ones included.
    return Console(file=sys.stdout, color_system=None if os.environ.get("NO_COLOR") else "auto")


def _format_plain(table: Table) -> str:
    bars = {index for row in table.rows for index, cell in enumerate(row) if isinstance(cell, Bar)}
    rows = [tuple(_format_cell(cell) for cell in row if not isinstance(cell, Bar)) for row in table.rows]
    columns = [index for index in range(len(table.columns or ("", ""))) if index not in bars]
    header = [tuple(table.columns[index] for index in columns)] if table.columns else []
    if not rows and not header:
        return table.title
    widths = [max(map(len, column)) for column in zip(*header, *rows, strict=True)]
    right = [table.is_number(index) for index in columns]
    lines = [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in header + rows
    ]
    return "\n".join([table.title, *(f"  {line}" for line in lines)])


def _format_cell(cell: Value | Interval) -> str:
    return cell.draw() if isinstance(cell, Interval) else format_value(cell)
