# SPDX-License-Identifier: Apache-2.0
"""How commands print: tables for a terminal, aligned columns for a pipe, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Value = str | int | float | None
_EIGHTHS = " ▏▎▍▌▋▊▉"
_GAP, _INDENT, _SHORTEST, _LONGEST_BAR = 2, 2, 12, 30


class Bar(NamedTuple):
    """A number that a terminal shows as a bar beside the largest of its column; elsewhere it is left out."""

    value: float
    largest: float


class Table(NamedTuple):
    """Rows below each other. Without columns, a row is a name and a value. Where a terminal has no room, ids of
    traces and spans are cut, as their beginnings suffice, then text of `wide` columns; the rest is folded. Texts of
    `right` columns stand at the right, as numbers do."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value | Bar]]
    wide: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()


def print_json(value: object) -> None:
    """Print `value` as one JSON document."""
    click.echo(json.dumps(value, indent=2))


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
        _print_on_terminal([part for table in tables for part in _draw_table(table)])
    else:
        click.echo("\n\n".join(_format_plain(table) for table in tables))


def print_renderables(parts: Sequence[RenderableType]) -> None:
    """Print what rich can draw, through a pager where it is longer than the terminal."""
    _print_on_terminal(parts)


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def format_value(value: Value) -> str:
    """Return a value as text that steers no terminal and breaks no line."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


def format_ms(duration_ms: float | None) -> str | None:
    """Return a duration in the unit in which it is easily read."""
    if duration_ms is None:
        return None
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if duration_ms >= length:
            return f"{duration_ms / length:.3g} {unit}"
    return f"{duration_ms:.3g} ms"


def format_time(text: str | None) -> str | None:
    """Return the time of an ISO 8601 text as it is; for a terminal without year and fraction."""
    return f"{text[5:10]} {text[11:19]}" if text is not None and is_terminal() else text


def _draw_table(table: Table) -> Iterable[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text

    if table.columns and table.rows:
        # Columns that are empty throughout give their room to others.
        kept = [index for index in range(len(table.columns)) if any(row[index] is not None for row in table.rows)]
        columns = tuple(table.columns[index] for index in kept)
        table = table._replace(columns=columns, rows=[tuple(row[index] for index in kept) for row in table.rows])
    headings, cells = _fit(table, shutil.get_terminal_size().columns - _INDENT)
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), show_header=bool(table.columns), header_style="bold")
    for index, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if _is_number_column(table, index) else "left"
        grid.add_column(heading, justify=justify, overflow="fold", vertical="top")
    for row in cells:
        grid.add_row(*map(Text, row))
    yield Text(table.title, "bold cyan")
    yield Padding(grid, (0, 0, 1, _INDENT))


def _fit(table: Table, room: int) -> tuple[list[str], list[list[str]]]:
    """Return headings and cells as texts that `room` suffices for, as far as headings can be broken, ids and wide
    columns cut, and bars be shortened; what is left over is folded."""
    names = list(table.columns or ("", ""))
    cells = [["" if isinstance(cell, Bar) else format_value(cell) for cell in row] for row in table.rows]
    bars = [index for index in range(len(names)) if any(isinstance(row[index], Bar) for row in table.rows)]

    def find_excess() -> int:
        lengths = [max(map(len, name.split("\n"))) for name in names]
        widths = [max([length, *(len(row[index]) for row in cells)]) for index, length in enumerate(lengths)]
        return sum(widths) + _GAP * len(widths) + len(bars) * _SHORTEST - room

    if table.columns and find_excess() > 0:
        names = [name.replace("_", "\n") for name in names]
        hexadecimal = [index for index, name in enumerate(table.columns) if name.endswith(("trace_id", "span_id"))]
        wide = [index for index, name in enumerate(table.columns) if name in table.wide]
        for index in (*hexadecimal, *wide):
            excess, width = find_excess(), max((len(row[index]) for row in cells), default=0)
            keep = max(width - max(excess, 0), _SHORTEST)
            for row in cells:
                if len(row[index]) > keep:
                    row[index] = row[index][:keep] if index in hexadecimal else f"{row[index][: keep - 1]}…"
    length = min(max(_SHORTEST - find_excess(), _SHORTEST), _LONGEST_BAR)
    for row, values in zip(cells, table.rows, strict=True):
        for index in bars:
            cell = values[index]
            row[index] = _draw_bar(cell, length) if isinstance(cell, Bar) else ""
    return [name.replace("_", " ") for name in names], cells


def _draw_bar(bar: Bar, length: int) -> str:
    eighths = round(bar.value / bar.largest * length * 8) if bar.largest > 0 else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


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
    rows = [tuple(format_value(cell) for cell in row if not isinstance(cell, Bar)) for row in table.rows]
    columns = [index for index in range(len(table.columns or ("", ""))) if index not in bars]
    header = [tuple(table.columns[index] for index in columns)] if table.columns else []
    if not rows and not header:
        return table.title
    widths = [max(map(len, column)) for column in zip(*header, *rows, strict=True)]
    right = [_is_number_column(table, index) for index in columns]
    lines = [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in header + rows
    ]
    return "\n".join([table.title, *(f"  {line}" for line in lines)])


def _is_number_column(table: Table, index: int) -> bool:
    kinds = {type(row[index]) for row in table.rows}
    if not table.columns or table.columns[index] in table.right:
        return bool(table.columns)
    return bool(kinds & {int, float}) and str not in kinds
