# SPDX-License-Identifier: Apache-2.0
"""Tables on a terminal. Rich draws them; this module chooses the columns and their widths, so that the cells of a row
stay on one line. A text that needs more room stands on a line below its row."""

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
_CUT = "…"
"""Stands where a text or an id is cut."""


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
    columns = [_Shown(column, table.rows, room) for column in table.columns if not column.is_below]
    # A column without any value leaves its room to the others.
    columns = [one for one in columns if not table.rows or any(cell is not None for cell in one.cells)]
    shown = _fit(columns, room)
    below = [column.read_cells(table.rows)[0] for column in table.columns if column.is_below]
    yield from _draw_rows(shown, [[format_value(text) for text in texts if text] for texts in zip(*below, strict=True)])
    missing = ", ".join(format_value(one.column.name) for one in columns if one not in shown and one.column.name)
    if missing and table.rows:
        note = f"not shown: {missing} (--json and wider terminals show all)"
        yield Padding(Text(note, "dim"), (0, 0, 0, _INDENT))
    yield Text("")


def _draw_rows(columns: Sequence[_Shown], below: Sequence[Sequence[str]]) -> Iterator[RenderableType]:
    """Yield the heading and the rows, with the texts `below` each: rows up to the next such text are one grid."""
    grid = _start_grid(columns, has_heading=True)
    for number, row in enumerate(zip(*(one.draw_cells() for one in columns), strict=True)):
        grid.add_row(*row)
        if below and below[number]:
            yield Padding(grid, (0, 0, 0, _INDENT))
            for text in below[number]:
                yield Padding(Text(text, "dim", overflow="ellipsis", no_wrap=True), (0, 0, 0, 2 * _INDENT))
            grid = _start_grid(columns, has_heading=False)
    if grid.rows or not below:
        yield Padding(grid, (0, 0, 0, _INDENT))


def _start_grid(columns: Sequence[_Shown], *, has_heading: bool) -> Grid:
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold", show_header=has_heading)
    for one in columns:
        grid.add_column(Text(one.heading), justify="right" if one.is_right else "left", width=one.width)
    return grid


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
            least = min(_find_prefix_length(texts) + len(_CUT), longest)
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
                yield Text(format_value(cell), overflow="ellipsis", no_wrap=True)


def _fit(columns: Sequence[_Shown], room: int) -> list[_Shown]:
    """Return the columns for which there is room. Ids are cut first, to their prefixes at once, then the columns that
    have most to spare."""
    shown = list(columns)
    for column in sorted(columns, key=lambda one: (one.column.drop or len(columns), -columns.index(one))):
        if _sum(one.least for one in shown) > room:
            shown.remove(column)
    while _sum(one.width for one in shown) > room:
        widest = max(shown, key=lambda one: (one.is_id and one.width > one.least, one.width - one.least))
        widest.width = widest.least if widest.is_id else widest.width - 1
    return shown


def _sum(widths: Iterator[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP


def _find_prefix_length(ids: Sequence[str]) -> int:
    """Return the length of prefixes that differ wherever the ids differ."""
    longest, different = max(map(len, ids), default=0), len(set(ids))
    return next((size for size in range(_SHORTEST_ID, longest) if len({id[:size] for id in ids}) == different), longest)
