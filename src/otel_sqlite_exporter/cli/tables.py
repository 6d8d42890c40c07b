# SPDX-License-Identifier: Apache-2.0
"""Prints tables: on a terminal with rich, in a pipe as aligned plain text, and as JSON or CSV for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.cli.formatting import cut, format_value, is_terminal, print_escaped, print_lines, split_lines
from otel_sqlite_exporter.cli.table_model import Facts, Part, Passage, Table
from otel_sqlite_exporter.show.visible_text import escape


def print_tables(*parts: Part) -> None:
    """Print tables: on a terminal with rich, in a pipe as plain text with all columns, times and ids in full."""
    if is_terminal():
        from otel_sqlite_exporter.cli.terminal_tables import print_on_terminal

        print_on_terminal(parts)
    else:
        print_escaped(_join(parts))


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print `value` as JSON; infinities and NaN, which JSON lacks, become null."""
    print_lines(*_encode(value, indent).split("\n"))


def print_json_list(head: Mapping[str, Any], name: str, items: Iterable[object]) -> None:
    """Print what `print_json` prints for `head` with a last member `name`, the list of `items`, but one item at a time:
    the text of a long list takes no memory."""
    lines = _encode({**head, name: []}, 2).split("\n")
    waiting = [*lines[:-2], lines[-2].removesuffix("]")]
    is_empty = True
    for item in items:
        print_lines(*waiting[:-1], waiting[-1] + ("" if is_empty else ","))
        waiting = [f"    {line}" for line in _encode(item, 2).split("\n")]
        is_empty = False
    print_lines(*(lines if is_empty else [*waiting, "  ]", "}"]))


def _encode(value: object, indent: int | None) -> str:
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda constant: None), indent=indent)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV (RFC 4180, with LF at the end of lines); a missing value is an empty field. A text has escapes
    for control characters, and a quote before a character that makes a spreadsheet take it for a formula."""
    import csv

    keep = "" if is_terminal() else "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_disarm(column, keep) for column in columns])
    writer.writerows([[_disarm(cell, keep) if isinstance(cell, str) else cell for cell in row] for row in rows])
    print_escaped(text.getvalue().removesuffix("\n").split("\n"))


def _disarm(text: str, keep: str) -> str:
    from otel_sqlite_exporter.query.pages import quote_formula

    return quote_formula(text) + escape(text, keep)


def _join(parts: Iterable[Part]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield format_value(part.title)
        if isinstance(part, Passage):
            for indent, text in part.texts:
                yield from (f"{'':{indent + 2}}{line}".rstrip() for line in split_lines(text))
        else:
            yield from (f"  {line}" for line in _align(part))


def _align(part: Table[Any] | Facts) -> list[str]:
    if isinstance(part, Facts):
        columns = [([format_value(cell) for cell in cells], False) for cells in zip(*part.facts, strict=True)]
    else:
        columns = []
        for column in part.columns:
            cells, is_right = column.read_cells(part.rows)
            most = None if column.name.endswith("_id") else column.most
            columns.append(([format_value(column.name), *(cut(format_value(cell), most) for cell in cells)], is_right))
    aligned = []
    for texts, is_right in columns:
        width = max(map(len, texts))
        aligned.append([text.rjust(width) if is_right else text.ljust(width) for text in texts])
    return ["  ".join(line).rstrip() for line in zip(*aligned, strict=True)]
