# SPDX-License-Identifier: Apache-2.0
"""Looks for texts in all that a database shows: each column of each table, the schema, and full-text indexes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from otel_sqlite_exporter.maintain.deletion.text_forms import TextForms
from otel_sqlite_exporter.model.search_terms import build_match, fold
from otel_sqlite_exporter.query.search import has_index
from otel_sqlite_exporter.sql.texts import read_query

_SCHEMA = ("sqlite_schema", ("name", "tbl_name", "sql"))
_MOST_BYTES = 1 << 20
_ROWS = 1_000
_WHOLE = ("_whole_attributes", ("attributes",))
"""The view that puts together what shared texts cut. What it shows has passed here in pieces before."""


class Place(NamedTuple):
    """Where one text was found: the place of the text in what was asked, and a table and its column, or what else."""

    text: int
    place: str


def search_tables(
    connection: sqlite3.Connection, texts: Sequence[TextForms], progress: Callable[[int], None]
) -> Counter[Place]:
    """Return where the texts stand, and in how many rows. `progress` is called with numbers of bytes that were read.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    found: Counter[Place] = Counter()
    factory, connection.text_factory = connection.text_factory, bytes
    try:
        for table, columns in (_SCHEMA, *_list_columns(connection)):
            _search_table(connection, table, columns, texts, found, progress)
        if _has_view(connection, _WHOLE[0]):
            whole: Counter[Place] = Counter()
            _search_table(connection, *_WHOLE, texts, whole, lambda size: None)
            _add_cut(found, whole)
    finally:
        connection.text_factory = factory
    for number, text in enumerate(texts):
        for place, count in _search_indexes(connection, text.text):
            found[Place(number, place)] += count
    return found


def _list_columns(connection: sqlite3.Connection) -> list[tuple[str, tuple[str, ...]]]:
    rows = connection.execute(read_query("list_searched_columns")).fetchall()
    names = ((table.decode(), column.decode()) for table, column in rows)
    return [(table, tuple(name for _, name in group)) for table, group in groupby(names, key=itemgetter(0))]


def _has_view(connection: sqlite3.Connection, name: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ?", (name,)).fetchall())


def _search_table(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    texts: Sequence[TextForms],
    found: Counter[Place],
    progress: Callable[[int], None],
) -> None:
    """Count the rows of a table in which a text stands. Rows are looked at by many at once: few hold one."""
    names = ", ".join(map(_quote, columns))
    cursor = connection.execute(f"SELECT {names} FROM {_quote(table)}")
    for rows, joined in _gather(cursor):
        progress(len(joined))
        for number, text in enumerate(texts):
            if next(text.find(joined), None) is None:
                continue
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, bytes) and next(text.find(value), None) is not None:
                        found[Place(number, f"{table}.{column}")] += 1


def _gather(cursor: sqlite3.Cursor) -> Iterator[tuple[list[tuple[object, ...]], bytes]]:
    """Yield rows, about as many as make a megabyte, and their texts in one piece."""
    rows: list[tuple[object, ...]] = []
    values: list[bytes] = []
    size = 0
    for row in cursor:
        rows.append(row)
        for value in row:
            if isinstance(value, bytes):
                values.append(value)
                size += len(value)
        if size > _MOST_BYTES or len(rows) >= _ROWS:
            yield rows, b"\n".join(values)
            rows, values, size = [], [], 0
    yield rows, b"\n".join(values)


def _add_cut(found: Counter[Place], whole: Counter[Place]) -> None:
    """Add what stands in whole attributes, and in no piece of them."""
    for (number, _), count in whole.items():
        if not found[Place(number, "_spans.attributes")] and not found[Place(number, "_texts.text")]:
            found[Place(number, "_spans.attributes")] = count
    for place in [place for place, count in found.items() if not count]:
        del found[place]


def _search_indexes(connection: sqlite3.Connection, text: str) -> Iterator[tuple[str, int]]:
    """Yield the full-text indexes that still know the words of a text, and of how many rows."""
    match = build_match((fold(text),))
    if match is not None and has_index(connection):
        # It knows pieces of three characters: what is left of a row that is gone may be of another text.
        (dead,) = connection.execute(read_query("count_dead_documents"), {"match": match}).fetchone()
        if dead:
            yield "search index", dead
    phrase = '"' + text.replace('"', " ").replace("\0", " ") + '"'
    for (name,) in connection.execute(read_query("list_text_indexes")).fetchall():
        with contextlib.suppress(sqlite3.Error):  # of a tokenizer that is not here, or without phrases
            matches = f"SELECT count(*) FROM {_quote(name)} WHERE {_quote(name)} MATCH ?"
            (rows,) = connection.execute(matches, (phrase,)).fetchone()
            if rows:
                yield name, rows


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
