# SPDX-License-Identifier: Apache-2.0
"""The attribute-row (EAV) layout of older telemetry files: which tables of it a file has, and how they are read.

A file is recognised by its shape (`sql/formats/attribute_rows.sql`): a table of events, and beside it tables that refer
to events or that hold one attribute a row. Further columns, the order of columns, and whether keys are numbers or text,
do not matter. Tables that were renamed by a migration in place are found under their new names.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import LegacyFileError
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_format
from otel_sqlite_exporter.storage.steps import apply_steps, load_migrations

PREFIX = "legacy_"
"""What the names of the old tables begin with after a migration in place."""
CONTEXTS = ("agents", "sessions", "traces", "spans")
DETAILS = ("llm_interactions", "tool_interactions", "security_alerts", "framework_events")
"""Tables whose rows say more of one event."""
OWNERS = {
    "llm_attributes": "llm_interactions",
    "tool_attributes": "tool_interactions",
    "security_attributes": "security_alerts",
    "framework_attributes": "framework_events",
    "security_alert_triggers": "security_alerts",
}
"""Tables whose rows are attributes of a row of `DETAILS`."""
TRIGGERS = "security_alert_triggers"

# A rowid may be any of these: whoever writes a file chooses.
_LOWEST = -LARGEST - 1
_INTEGER = re.compile("0|-?[1-9][0-9]{0,18}")


class LegacyTable(NamedTuple):
    """A table of the layout: its name there and in the file, its columns in lower case, and the one that refers to its
    event or owner (empty: none)."""

    role: str
    name: str
    columns: tuple[str, ...]
    owner: str


class Layout(NamedTuple):
    """The tables of a file that are part of the layout, by their names there, and the names of the others."""

    tables: Mapping[str, LegacyTable]
    others: tuple[str, ...]

    def present(self, roles: Iterable[str]) -> Iterator[LegacyTable]:
        """Yield the tables of these roles that the file has."""
        return (self.tables[role] for role in roles if role in self.tables)


class Conversion(NamedTuple):
    """The files of one migration, and the counts of the stage that runs. Old rows are read from `source`, and records
    are written to `target`, which may be the same file."""

    source: sqlite3.Connection
    target: sqlite3.Connection
    layout: Layout
    counts: Counter[str]


def find_layout(connection: sqlite3.Connection) -> Layout | None:
    """Return which tables of the layout a file has, or None if it has another layout."""
    tables: dict[str, LegacyTable] = {}
    others = []
    found = connection.execute(read_format("attribute_rows")).fetchall()
    for role, name, columns, owner in found:
        if role is None:
            others.append(name)
        else:
            others += [tables[role].name] if role in tables else []
            tables[role] = LegacyTable(role, name, tuple(orjson.loads(columns)), owner or "")
    return Layout(tables, tuple(others)) if found else None


def read_windows(
    connection: sqlite3.Connection,
    layout: Layout,
    roles: Iterable[str],
    position: Any,
    limit: int,
    *,
    only_owners: bool = False,
) -> Iterator[tuple[LegacyTable, list[dict[str, Any]]]]:
    """Yield the rows of these tables in the order of their rowids, at most `limit` at once, after `position` ([role,
    rowid]; None: all). Column names are in lower case, `rowid` is one of them. With `only_owners`, the column that
    refers to the owner is the only other one. No cursor stays open in between.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    tables = list(layout.present(roles))
    first, last = position or (tables[0].role if tables else None, _LOWEST - 1)
    names = [table.role for table in tables]
    for table in tables[names.index(first) :] if first in names else ():
        columns = quote(table.owner) if only_owners else "*"
        query = f"SELECT rowid AS rowid, {columns} FROM {quote(table.name)} WHERE rowid >= ? ORDER BY rowid LIMIT ?"
        start = last + 1 if table.role == first else _LOWEST
        while start <= LARGEST and (rows := _read(connection, query, (start, limit))):
            start = rows[-1]["rowid"] + 1
            yield table, rows


def read_ranges(
    connection: sqlite3.Connection, table: LegacyTable, ranges: Sequence[Sequence[int]]
) -> list[dict[str, Any]]:
    """Return the rows of a table in these ranges of rowids ([first, last]), in the order of their rowids."""
    query = (
        f"SELECT t.rowid AS rowid, t.* FROM json_each(?) AS r CROSS JOIN {quote(table.name)} AS t"
        " ON t.rowid BETWEEN r.value ->> 0 AND r.value ->> 1 ORDER BY t.rowid"
    )
    return _read(connection, query, (orjson.dumps(ranges).decode(),))


def find_keys(connection: sqlite3.Connection, table: LegacyTable, keys: Iterable[Any]) -> set[Any]:
    """Return those of `keys` that a row of the table has, as number or as name, as `normalise_key` gives them."""
    return {normalise_key(key) for key, _ in _look_up(connection, table, keys, None)}


def find_names(
    connection: sqlite3.Connection, table: LegacyTable, keys: Iterable[Any], column: str | None = None
) -> dict[Any, Any]:
    """Return the values of `column` (else: of the one that names a row, such as `session_id`), by key."""
    return {key: value for key, value in _look_up(connection, table, keys, column) if value is not None}


def _look_up(
    connection: sqlite3.Connection, table: LegacyTable, keys: Iterable[Any], column: str | None
) -> Iterator[tuple[Any, Any]]:
    columns = _key_columns(table)
    for key in columns:
        query = (
            f"SELECT {quote(key)}, {quote(column or columns[-1])} FROM {quote(table.name)}"
            f" WHERE {quote(key)} IN (SELECT value FROM json_each(?))"
        )
        yield from connection.execute(query, (_dump_keys(keys),))


def _dump_keys(keys: Iterable[Any]) -> str:
    return orjson.dumps([key for key in keys if key is not None], default=str).decode()


def read_key(table: LegacyTable, row: Mapping[str, Any]) -> Any:
    """Return the key by which other tables refer to a row, as `normalise_key` gives it."""
    return normalise_key(row[_key_columns(table)[0]])


def _key_columns(table: LegacyTable) -> list[str]:
    """The columns that rows of other tables may refer to, the number first."""
    return [column for column in ("id", f"{table.role[:-1]}_id") if column in table.columns] or ["rowid"]


def find_rows_by_key(
    connection: sqlite3.Connection, table: LegacyTable, keys: Iterable[Any]
) -> dict[Any, dict[str, Any]]:
    """Return the rows of a table by their keys."""
    query = (
        f"SELECT rowid AS rowid, * FROM {quote(table.name)}"
        f" WHERE {quote(_key_columns(table)[0])} IN (SELECT value FROM json_each(?))"
    )
    return {read_key(table, row): row for row in _read(connection, query, (_dump_keys(keys),))}


def digest_layout(connection: sqlite3.Connection, layout: Layout) -> tuple[dict[str, int], str]:
    """Return how many rows each table has, and a digest of what a file holds, under whatever names: tables, columns,
    numbers of rows, first and last rows. It changes when rows are added or removed."""
    rows: dict[str, int] = {}
    contents = []
    for role, table in sorted(layout.tables.items()):
        query = f"SELECT count(*), min(rowid), max(rowid) FROM {quote(table.name)}"
        count, first, last = connection.execute(query).fetchone()
        rows[role] = count
        contents.append((role, table.columns, (count, first, last)))
    return rows, hashlib.blake2b(orjson.dumps(contents), digest_size=16).hexdigest()


def normalise_key(key: Any) -> Any:
    """Return a key so that those that SQLite finds equal across columns of different types are equal: a number that
    stands as text or as 5.0 is that number."""
    if isinstance(key, float) and key.is_integer():
        return int(key)
    if isinstance(key, str) and _INTEGER.fullmatch(key) and _LOWEST <= int(key) <= LARGEST:
        return int(key)
    return decode_text(key) if isinstance(key, bytes) else key


def check_rowids(connection: sqlite3.Connection, path: str, layout: Layout) -> None:
    """Check that the rows of each table have a number, by which they are read.

    Raises:
        LegacyFileError: A table was made WITHOUT ROWID.
    """
    found = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr")
    without = {name for (name,) in found} & {table.name for table in layout.tables.values()}
    if without:
        raise LegacyFileError(
            f"{path} was not touched: {', '.join(map(quote, sorted(without)))} was made WITHOUT ROWID; copy its rows "
            "into an ordinary table of that name first"
        )


def check_names(connection: sqlite3.Connection, path: str, layout: Layout) -> None:
    """Check that a migration in place finds the names free that it gives to the old tables, and those of our schema.

    Raises:
        LegacyFileError: Another table or index has one of them.
    """
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        apply_steps(empty, load_migrations())
        needed = {name.lower() for (name,) in empty.execute("SELECT name FROM sqlite_schema")}
    needed |= {PREFIX + role for role in layout.tables}
    ours = {table.name for table in layout.tables.values()}
    query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'index') OR name LIKE '\\_%' ESCAPE '\\' ORDER BY 1"
    taken = [name for (name,) in connection.execute(query) if name.lower() in needed and name not in ours]
    if taken:
        raise LegacyFileError(
            f"{path} was not touched: it has {', '.join(map(quote, taken))}, names that the new tables need; rename "
            "these, or migrate into another file with --into"
        )


def rename_tables(connection: sqlite3.Connection, layout: Layout) -> dict[str, str]:
    """Give every table of the layout the name that it has after a migration in place, drop the old views and triggers,
    which are of the old names, and return the texts of those by name. Runs in the caller's transaction."""
    query = "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type"
    dropped = {}
    for name, kind, sql in connection.execute(query).fetchall():
        if not name.startswith("_"):
            connection.execute(f"DROP {kind} IF EXISTS {quote(name)}")
            dropped[name] = sql
    for table in layout.tables.values():
        if not table.name.startswith(PREFIX):
            connection.execute(f"ALTER TABLE {quote(table.name)} RENAME TO {quote(PREFIX + table.role)}")
    return dropped


def quote(name: str) -> str:
    """Return an identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


def decode_text(text: bytes) -> str:
    """Return a text of an old file, which may not be UTF-8, with surrogates for the bytes that are not."""
    return text.decode(errors="surrogateescape")


def _read(connection: sqlite3.Connection, query: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(query, parameters)
    names = [column.lower() for column, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
