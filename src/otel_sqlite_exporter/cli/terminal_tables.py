# SPDX-License-Identifier: Apache-2.0
"""Tables on a terminal. Rich draws them; this module chooses the columns and their widths, so that a row stays on one
line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from otel_sqlite_exporter.cli.formatting import INTERVAL_WIDTH, Interval, Value, format_value
from otel_sqlite_exporter.cli.tables import Column, Facts, Table

_GAP, _INDENT = 2, 2
_SHORTEST_ID, _SHORTEST_BAR = 8, 10


def print_on_terminal(parts: Sequence[Table[Any] | Facts]) -> None:
    """Print tables, through a pager if they are longer than the terminal and someone is at the keyboard."""
    width, lines = shutil.get_terminal_size()
    # Without a colour system rich writes no escape sequence at all, not even for bold and dim.
    console = Console(file=sys.stdout, color_system=None if os.environ.get("NO_COLOR") else "auto", width=width)
    with console.capture() as capture:
        for part in parts:
            for renderable in _draw_facts(part) if isinstance(part, Facts) else _draw_table(part, width):
                console.print(renderable)
    text = capture.get()
    if sys.stdin is not None and sys.stdin.isatty() and text.count("\n") >= lines:
        click.echo_via_pager(text, color=None if console.color_system else False)
    else:
        click.echo(text, nl=False, color=True)


def _draw_facts(part: Facts) -> Iterator[RenderableType]:
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, value in part.facts:
        grid.add_row(Text(name), Text(format_value(value)))
    yield Text(part.title, "bold cyan")
    yield Padding(grid, (0, 0, 1, _INDENT))


def _draw_table(table: Table[Any], width: int) -> Iterator[RenderableType]:
    room = max(width - _INDENT, _GAP)
    # A column without any value leaves its room to the others.
    columns = [
        _Shown(column, cells, is_right)
        for column in table.columns
        for cells, is_right in (column.read_cells(table.rows),)
        if not table.rows or any(cell is not None for cell in cells)
    ]
    shown = _fit(columns, room)
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in shown:
        grid.add_column(column.heading, justify="right" if column.is_right else "left", width=column.width)
    for row in zip(*(column.draw_cells() for column in shown), strict=True):
        grid.add_row(*row)
    yield Text(table.title, "bold cyan")
    yield Padding(grid, (0, 0, 0, _INDENT))
    missing = ", ".join(one.column.name for one in columns if one not in shown and one.column.name)
    if missing and table.rows:
        note = Text(f"not shown: {missing} (--json and wider terminals show all)", "dim")
        yield Padding(note, (0, 0, 0, _INDENT))
    yield Text("")


@dataclass(slots=True, eq=False)
class _Shown:
    """A column with its cells, its width, and the least width to which it may be cut."""

    column: Column[Any]
    cells: list[Value]
    is_right: bool
    width: int = 0
    least: int = 0

    @property
    def heading(self) -> Text:
        return Text(self.column.name.replace("_", " "))

    @property
    def is_id(self) -> bool:
        return self.column.name.endswith(("trace_id", "span_id"))

    def measure(self, room: int, *, is_narrow: bool) -> None:
        """Set the widths. On a narrow terminal headings are broken into words, and ids are cut to unique prefixes."""
        texts = list(map(format_value, self.cells))
        words = self.column.name.split("_") if is_narrow else [self.heading.plain]
        heading = max(map(cell_len, words))
        longest = max(map(cell_len, texts), default=0)
        if any(isinstance(cell, Interval) for cell in self.cells):
            longest, least = INTERVAL_WIDTH, _SHORTEST_BAR
        elif self.is_id and is_narrow:
            longest = least = _find_prefix_length(texts)
        else:
            least = longest if self.is_right or self.is_id else self.column.least
        self.width = min(max(longest, heading), room)
        self.least = min(max(least, heading), self.width)

    def draw_cells(self) -> Iterator[RenderableType]:
        overflow = "crop" if self.is_id else "ellipsis"
        for cell in self.cells:
            if isinstance(cell, Interval):
                yield Bar(1, cell.begin, cell.end)
            else:
                yield Text(format_value(cell), overflow=overflow, no_wrap=True)  # type: ignore[arg-type]


def _fit(columns: Sequence[_Shown], room: int) -> list[_Shown]:
    """Return the columns that fit into `room`, with their widths set."""
    for column in columns:
        column.measure(room, is_narrow=False)
    shown = list(columns)
    if _sum(column.width for column in columns) <= room:
        return shown
    for column in columns:
        column.measure(room, is_narrow=True)
    for column in sorted(reversed(columns), key=lambda one: one.column.drop or len(columns)):
        if _sum(one.least for one in shown) > room:
            shown.remove(column)
    while _sum(one.width for one in shown) > room:
        max(shown, key=lambda one: one.width - one.least).width -= 1
    return shown


def _sum(widths: Iterator[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP


def _find_prefix_length(ids: Sequence[str]) -> int:
    """Return the length of prefixes that differ wherever the ids differ."""
    longest, different = max(map(len, ids), default=0), len(set(ids))
    return next((size for size in range(_SHORTEST_ID, longest) if len({id[:size] for id in ids}) == different), longest)
