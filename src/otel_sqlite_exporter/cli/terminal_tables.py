# SPDX-License-Identifier: Apache-2.0
"""Tables on a terminal. Rich draws them; this module chooses the columns and their widths, so that a row stays on one
line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from otel_sqlite_exporter.cli.formatting import INTERVAL_WIDTH, Interval, format_value, split_lines
from otel_sqlite_exporter.cli.table_model import Column, Facts, Part, Passage, Table

_GAP, _INDENT = 2, 2
_SHORTEST_ID, _SHORTEST_BAR = 8, 10


def print_on_terminal(parts: Sequence[Part]) -> None:
    """Print tables, through a pager if they are longer than the terminal and someone is at the keyboard."""
    width, lines = shutil.get_terminal_size()
    # Without a colour system rich writes no escape sequence at all, not even for bold and dim.
    console = Console(file=sys.stdout, color_system=None if os.environ.get("NO_COLOR") else "auto", width=width)
    with console.capture() as capture:
        for part in parts:
            console.print(Text(format_value(part.title), "bold cyan"))
            for renderable in _draw(part, width):
                console.print(renderable)
    text = capture.get()
    if sys.stdin is not None and sys.stdin.isatty() and text.count("\n") >= lines:
        click.echo_via_pager(text, color=None if console.color_system else False)
    else:
        click.echo(text, nl=False, color=True)


def _draw(part: Part, width: int) -> Iterator[RenderableType]:
    if isinstance(part, Facts):
        return _draw_facts(part)
    return _draw_passage(part) if isinstance(part, Passage) else _draw_table(part, width)


def _draw_passage(part: Passage) -> Iterator[RenderableType]:
    for indent, text in part.texts:
        yield Padding(Text("\n".join(split_lines(text)), overflow="fold"), (0, 0, 0, indent + _INDENT))
    yield Text("")


def _draw_facts(part: Facts) -> Iterator[RenderableType]:
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, value in part.facts:
        grid.add_row(Text(format_value(name)), Text(format_value(value)))
    yield Padding(grid, (0, 0, 1, _INDENT))


def _draw_table(table: Table[Any], width: int) -> Iterator[RenderableType]:
    room = max(width - _INDENT, _GAP)
    columns = [_Shown(column, table.rows, room) for column in table.columns]
    # A column without any value leaves its room to the others.
    columns = [one for one in columns if not table.rows or any(cell is not None for cell in one.cells)]
    shown = _fit(columns, room)
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for one in shown:
        grid.add_column(Text(one.heading), justify="right" if one.is_right else "left", width=one.width)
    for row in zip(*(one.draw_cells() for one in shown), strict=True):
        grid.add_row(*row)
    yield Padding(grid, (0, 0, 0, _INDENT))
    missing = ", ".join(format_value(one.column.name) for one in columns if one not in shown and one.column.name)
    if missing and table.rows:
        note = f"not shown: {missing} (--json and wider terminals show all)"
        yield Padding(Text(note, "dim"), (0, 0, 0, _INDENT))
    yield Text("")


class _Shown:
    """A column with its cells, its width, and the least width to which it may be cut."""

    def __init__(self, column: Column[Any], rows: Sequence[Any], room: int) -> None:
        self.column = column
        self.cells, self.is_right = column.read_cells(rows)
        self.is_id = column.name.endswith(("trace_id", "span_id"))
        self.heading = format_value(column.name).replace("_", " ")
        texts = [format_value(cell) for cell in self.cells]
        longest = max(map(cell_len, texts), default=0)
        if any(isinstance(cell, Interval) for cell in self.cells):
            longest, least = INTERVAL_WIDTH, _SHORTEST_BAR
        elif self.is_id:
            least = _find_prefix_length(texts)
        else:
            least = longest if self.is_right else column.least
        self.width = min(max(longest, cell_len(self.heading)), room)
        # Rich breaks a heading between its words.
        self.least = min(max([least, *map(cell_len, self.heading.split())]), self.width)

    def draw_cells(self) -> Iterator[RenderableType]:
        for cell in self.cells:
            if isinstance(cell, Interval):
                yield Bar(1, cell.begin, cell.end)
            else:
                yield Text(format_value(cell), overflow="crop" if self.is_id else "ellipsis", no_wrap=True)


def _fit(columns: Sequence[_Shown], room: int) -> list[_Shown]:
    """Return the columns for which there is room. Ids are cut first, then the columns that have most to spare."""
    shown = list(columns)
    for column in sorted(columns, key=lambda one: (one.column.drop or len(columns), -columns.index(one))):
        if _sum(one.least for one in shown) > room:
            shown.remove(column)
    while _sum(one.width for one in shown) > room:
        max(shown, key=lambda one: (one.is_id and one.width > one.least, one.width - one.least)).width -= 1
    return shown


def _sum(widths: Iterator[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP


def _find_prefix_length(ids: Sequence[str]) -> int:
    """Return the length of prefixes that differ wherever the ids differ."""
    longest, different = max(map(len, ids), default=0), len(set(ids))
    return next((size for size in range(_SHORTEST_ID, longest) if len({id[:size] for id in ids}) == different), longest)
