# SPDX-License-Identifier: Apache-2.0
"""What commands print: tables, in a pipe as aligned plain text, and JSON and CSV for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import click

from otel_sqlite_exporter.cli.formatting import Value, format_value, is_terminal

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True, eq=False)
class Column(Generic[_Row]):
    """A column of a table.

    Attributes:
        name: The heading; a terminal shows its underscores as spaces.
        read: Returns the cell of a row.
        least: The number of characters to which a narrow terminal may cut texts. Numbers are never cut, ids of traces
            and spans to a unique prefix.
        right: Whether to align texts at the right, as numbers are.
        drop: The place in the order in which a narrow terminal leaves columns out. Columns with 0 follow after all
            others, from the last one to the first.
    """

    name: str
    read: Callable[[_Row], Value]
    least: int = 16
    right: bool = False
    drop: int = 0

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


class Facts(NamedTuple):
    """Names and values, with a title."""

    title: str
    facts: Iterable[tuple[str, Value]]


def make_columns(*names: str) -> list[Column[Sequence[Any]]]:
    """Return columns of rows that are sequences."""
    return [Column(name, itemgetter(place)) for place, name in enumerate(names)]


def print_tables(*parts: Table[Any] | Facts) -> None:
    """Print tables: on a terminal with rich, in a pipe as plain text with all columns, times and ids in full."""
    if is_terminal():
        from otel_sqlite_exporter.cli.terminal_tables import print_on_terminal

        print_on_terminal(parts)
    else:
        click.echo("\n\n".join("\n  ".join([format_value(part.title), *_align(part)]) for part in parts))


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print `value` as JSON; infinities and NaN, which JSON lacks, become null."""
    try:
        text = json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        text = json.dumps(json.loads(json.dumps(value), parse_constant=lambda constant: None), indent=indent)
    click.echo(text)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV (RFC 4180); a missing value is an empty field. A terminal gets no control characters."""
    import csv

    if is_terminal():
        rows = [[format_value(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def _align(part: Table[Any] | Facts) -> list[str]:
    if isinstance(part, Facts):
        columns = [([format_value(cell) for cell in cells], False) for cells in zip(*part.facts, strict=True)]
    else:
        columns = []
        for column in part.columns:
            cells, is_right = column.read_cells(part.rows)
            columns.append(([column.name, *map(format_value, cells)], is_right))
    aligned = []
    for texts, is_right in columns:
        width = max(map(len, texts))
        aligned.append([text.rjust(width) if is_right else text.ljust(width) for text in texts])
    return ["  ".join(line).rstrip() for line in zip(*aligned, strict=True)]
