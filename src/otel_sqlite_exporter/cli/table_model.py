# SPDX-License-Identifier: Apache-2.0
"""The tables that commands print: columns, rows and headings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from otel_sqlite_exporter.cli.formatting import Value

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True, eq=False)
class Column(Generic[_Row]):
    """A column of a table.

    Attributes:
        name: The heading; a terminal shows its underscores as spaces.
        read: Returns the cell of a row.
        least: The number of characters to which a narrow terminal may cut texts. Numbers are never cut, ids of traces
            and spans only to a unique prefix.
        right: Whether to align texts at the right, as numbers are.
        drop: The place in the order in which a narrow terminal leaves columns out. Columns with 0 follow after all
            others, from the last one to the first.
        is_below: On a terminal, its text stands below the row, on a line of its own that is cut to the width.
        most: The number of characters to which texts are cut in a pipe, so that one long text does not widen all rows.
            None: never. Ids are never cut there.
    """

    name: str
    read: Callable[[_Row], Value]
    least: int = 16
    right: bool = False
    drop: int = 0
    is_below: bool = False
    most: int | None = 200

    def read_cells(self, rows: Sequence[_Row]) -> tuple[list[Value], bool]:
        """Return the cell of each row, and whether to align them at the right."""
        cells = [self.read(row) for row in rows]
        types = set(map(type, cells))
        return cells, self.right or (bool(types & {int, float}) and str not in types)


class Table(NamedTuple, Generic[_Row]):
    """Rows with a title and headings."""

    title: str
    columns: Sequence[Column[_Row]]
    rows: Sequence[_Row]


class Passage(NamedTuple):
    """Texts of any length, with a title. Each has the number of columns by which it is indented, and may have several
    lines."""

    title: str
    texts: Sequence[tuple[int, str]]


class Facts(NamedTuple):
    """Names and values, with a title."""

    title: str
    facts: Iterable[tuple[str, Value]]


Part = Table[Any] | Facts | Passage
"""What commands print one below the other."""


def make_facts(title: str, facts: dict[str, Value]) -> Facts:
    """Return the facts that are known."""
    return Facts(title, [(name, value) for name, value in facts.items() if value is not None])


def make_columns(*names: str) -> list[Column[Sequence[Any]]]:
    """Return columns of rows that are sequences."""
    return [Column(name, itemgetter(index), most=None) for index, name in enumerate(names)]
