# SPDX-License-Identifier: Apache-2.0
"""A table on a terminal: which columns there is room for, and how wide each is, so that a row is one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from otel_sqlite_exporter.cli.table_cells import Bar, Interval, Table, format_value

if TYPE_CHECKING:
    from rich.console import RenderableType

_GAP, _INDENT = 2, 2
_SHORTEST_ID, _SHORTEST_PICTURE = 8, 10
_ID, _PICTURE, _TEXT = 0, 1, 2
"""What gives up room first."""


class _Column(NamedTuple):
    place: int
    name: str
    kind: int
    most: int
    least: int


def draw_table(table: Table, width: int) -> Iterable[RenderableType]:
    """Yield a table for a terminal of `width` columns. Ids of traces and spans are cut, as their beginnings suffice,
    then pictures are drawn smaller, then texts are cut, and what then has no room is left out and named below."""
    yield Text(table.title, "bold cyan")
    if not table.columns:
        facts = Grid(box=None, padding=(0, _GAP, 0, 0), show_header=False)
        facts.add_column()
        facts.add_column(overflow="fold")
        for name, value in table.rows:
            facts.add_row(*(Text(format_value(cell)) for cell in (name, value) if not isinstance(cell, Bar | Interval)))
        yield Padding(facts, (0, 0, 1, _INDENT))
        return
    # Columns that are empty throughout give their room to others.
    filled = [i for i in range(len(table.columns)) if not table.rows or any(row[i] is not None for row in table.rows)]
    room = max(width - _INDENT, _GAP)
    columns, is_broken = [_measure(table, index, room, is_broken=False) for index in filled], False
    if _sum(column.most for column in columns) > room:
        columns, is_broken = [_measure(table, index, room, is_broken=True) for index in filled], True
    shown = _choose(table, columns, room)
    yield Padding(_draw_grid(table, _fit(shown, room), is_broken=is_broken), (0, 0, 0, _INDENT))
    missing = [column.name for column in columns if column not in shown and column.name]
    if missing and table.rows:
        yield Padding(
            Text(f"not shown: {', '.join(missing)} (--json and wider terminals show all)", "dim"), (0, 0, 0, _INDENT)
        )
    yield Text("")


def _measure(table: Table, index: int, room: int, *, is_broken: bool) -> _Column:
    name, cells = table.columns[index], [row[index] for row in table.rows]
    heading = max(map(cell_len, _break(name, is_broken=is_broken).split("\n")))
    pictures = [cell for cell in cells if isinstance(cell, Bar | Interval)]
    texts = [format_value(cell) for cell in cells if not isinstance(cell, Bar | Interval)]
    most = pictures[0].WIDTH if pictures else max(map(cell_len, texts), default=0)
    if pictures:
        kind, least = _PICTURE, _SHORTEST_PICTURE
    elif name.endswith(("trace_id", "span_id")):
        kind, least = _ID, _find_shortest(texts, most)
    else:
        kind, least = _TEXT, most if table.is_number(index) else table.wide.get(name, most)
    most = min(max(most, heading), room)
    return _Column(index, name, kind, most, min(max(least, heading), most))


def _find_shortest(ids: Sequence[str], most: int) -> int:
    """Return how much of the ids tells those that differ from each other."""
    different = set(ids)
    lengths = range(_SHORTEST_ID, most)
    return next((length for length in lengths if len({id[:length] for id in different}) == len(different)), most)


def _choose(table: Table, columns: Sequence[_Column], room: int) -> list[_Column]:
    names = [*table.spare, *(column.name for column in reversed(columns[1:]))]
    shown = list(columns)
    for name in names:
        if _sum(column.least for column in shown) <= room:
            break
        shown = [column for column in shown if column.name != name] or shown
    return shown


def _fit(columns: Sequence[_Column], room: int) -> dict[_Column, int]:
    widths = {column: column.most for column in columns}
    for kind in (_ID, _PICTURE, _TEXT):
        while _sum(widths.values()) > room:
            able = [column for column, width in widths.items() if column.kind == kind and width > column.least]
            if not able:
                break
            widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def _draw_grid(table: Table, widths: dict[_Column, int], *, is_broken: bool) -> Grid:
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column, width in widths.items():
        grid.add_column(
            _break(column.name, is_broken=is_broken),
            justify="right" if table.is_number(column.place) else "left",
            overflow="crop" if column.kind == _ID else "ellipsis",
            no_wrap=True,
            width=width,
        )
    for row in table.rows:
        cells = [(row[column.place], width) for column, width in widths.items()]
        grid.add_row(
            *(
                Text(cell.draw(width) if isinstance(cell, Bar | Interval) else format_value(cell))
                for cell, width in cells
            )
        )
    return grid


def _break(name: str, *, is_broken: bool) -> str:
    return name.replace("_", "\n" if is_broken else " ")


def _sum(widths: Iterable[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP
