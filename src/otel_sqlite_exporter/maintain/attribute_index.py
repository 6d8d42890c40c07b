# SPDX-License-Identifier: Apache-2.0
"""`index --attribute`: an index of the values of one attribute of spans, span events and log records.

The values are rows of `_attribute_values`, and triggers keep them. (An index of SQLite's on an expression cannot hold
them: the attributes of spans that share texts are put together by a subquery, and it would be built in one transaction,
while all writers wait.) Every step here is a short transaction: an interrupted command goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.model.values import get_attribute_path, repair_text
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.identity import name_command
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.statements import run_script

# Reading 3 kB of attributes and adding one value takes about 10 us, so a writer waits some 50 ms.
_ROWS = 5_000
_ENTRY_BYTES = 8
"""Of an entry, beside its value: the length of the cell and of its header, the types, the attribute and the record."""
_FULL = 0.7
"""How full the pages of an index are whose entries come in random order."""
_LONGEST_KEY = 1_000
_MEASURED_SPANS = 2_000
"""Of fewer spans, the time that one takes is that of the transactions."""
_DROPPED = -1
_SPANS = 0
_UNFINISHED = "SELECT id, source, rest FROM _attribute_keys WHERE rest > 0 ORDER BY id"


class AttributeIndex(NamedTuple):
    """An indexed attribute: how many records of each kind have it, the bytes of the index, the mean of these an entry,
    and whether it covers all records (else the command was interrupted)."""

    key: str
    spans: int
    span_events: int
    log_records: int
    bytes: int
    bytes_a_record: float
    is_complete: bool


class AttributeIndexing(NamedTuple):
    """What `index_attributes` did: the indexes, how many ids were gone through for them, the CPU that a span took
    for each attribute (None: too few were read to tell), and seconds."""

    indexes: tuple[AttributeIndex, ...]
    read_ids: int
    cpu_us_a_span: float | None
    seconds: float


def name_completion(key: str, path: str) -> str:
    """Return what to do about an index that does not cover all records."""
    command = name_command(f"index --attribute {shlex.quote(key)}", path)
    return f"run `{command}` to complete it, or with --drop to remove it"


def index_attributes(
    settings: Settings, keys: Sequence[str], *, progress: Callable[[int, int], None] = lambda done, of: None
) -> AttributeIndexing:
    """Index the attributes with these keys. An attribute that is indexed stays as it is. `progress` is called with the
    number of ids that are done, and of all.

    Raises:
        FilterError: A key cannot be that of an attribute.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error, OSError: It cannot be written now.
    """
    paths = {key: _check_key(key) for key in keys}
    began, cpu_s, done, spans = time.monotonic(), 0.0, 0, 0
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        _end_drops(connection)
        with transaction(connection):
            run_script(connection, "create_value_triggers")
            for key, path in paths.items():
                connection.execute(read_query("add_attribute_keys"), {"key": key, "path": path})
        attributes = connection.execute(_UNFINISHED).fetchall()
        of = sum(rest for *_, rest in attributes)
        for id, source, rest in attributes:
            started = time.thread_time()
            while rows := _fill(connection, id, source):
                done += rows
                progress(done, of)
            if source == _SPANS:
                cpu_s += time.thread_time() - started
                spans += connection.execute("SELECT count(*) FROM _spans WHERE id <= ?", (rest,)).fetchone()[0]
        indexes = tuple(index for index in list_attributes(connection) if index.key in paths)
    cpu_us = cpu_s * 1e6 / spans if spans >= _MEASURED_SPANS else None
    return AttributeIndexing(indexes, done, cpu_us, time.monotonic() - began)


def drop_attributes(settings: Settings, keys: Sequence[str]) -> None:
    """Remove the indexes of these attributes, in short transactions. From the first one on, nothing uses them.

    Raises:
        NotFoundError: An attribute is not indexed; nothing is removed.
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error, OSError: It cannot be written now.
    """
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        with transaction(connection):
            known = {key for (key,) in connection.execute("SELECT key FROM _attribute_keys")}
            if missing := [key for key in keys if key not in known]:
                raise NotFoundError(
                    f"{settings.path} has no index of {missing[0]!r}: its indexed attributes are "
                    f"{', '.join(sorted(known)) or 'none'}"
                )
            connection.executemany(f"UPDATE _attribute_keys SET rest = {_DROPPED} WHERE key = ?", zip(keys))
        _end_drops(connection)


def read_attributes(settings: Settings) -> tuple[AttributeIndex, ...]:
    """Return the indexed attributes of a file, by key.

    Raises:
        FileRefusedError: The file is missing, damaged, of another program, or too old for this question.
        sqlite3.Error, OSError: It cannot be read now.
    """
    return TelemetryFile(settings.path, settings.busy_timeout_ms).read(list_attributes)


def list_attributes(connection: sqlite3.Connection) -> tuple[AttributeIndex, ...]:
    """Return the indexed attributes of a file, by key."""
    rows = connection.execute(read_query("list_attribute_indexes")).fetchall()
    estimates = {id: values + entries * _ENTRY_BYTES for id, *_, entries, values in rows}
    scale = _measure_table(connection, sum(estimates.values()))
    indexes = []
    for key, group in groupby(rows, key=lambda row: row[1]):
        ids, _, _, rests, entries, _ = zip(*group, strict=True)
        size = round(sum(estimates[id] for id in ids) * scale)
        spans, events, logs = entries
        indexes.append(AttributeIndex(key, spans, events, logs, size, size / max(1, sum(entries)), not any(rests)))
    return tuple(indexes)


def _check_key(key: str) -> str | None:
    """Return the path of a key, or None if SQLite's JSON functions have none for it."""
    if not key or "\0" in key or len(key) > _LONGEST_KEY or repair_text(key)[1]:
        raise FilterError("attribute", f"{key[:50]!r} is not the key of an attribute: give a key such as gen_ai.system")
    return get_attribute_path(key)


def _fill(connection: sqlite3.Connection, attribute: int, source: int) -> int:
    """Index the last rows that are not indexed yet, and return their number; 0: none is left."""
    with transaction(connection):
        row = connection.execute("SELECT rest FROM _attribute_keys WHERE id = ?", (attribute,)).fetchone()
        if row is None or row[0] <= 0:
            return 0
        upto = row[0]
        after = max(0, upto - _ROWS)
        bounds = {"attribute": attribute, "source": source, "after": after, "upto": upto}
        connection.execute(read_query("fill_attribute_values"), bounds)
        connection.execute("UPDATE _attribute_keys SET rest = ? WHERE id = ?", (after, attribute))
    return int(upto - after)


def _end_drops(connection: sqlite3.Connection) -> None:
    for (id,) in connection.execute("SELECT id FROM _attribute_keys WHERE rest = ?", (_DROPPED,)).fetchall():
        removed = 1
        while removed > 0:
            with transaction(connection):
                wanted = {"attribute": id, "limit": _ROWS}
                removed = connection.execute(read_query("empty_attribute_values"), wanted).rowcount
        with transaction(connection):
            connection.execute("DELETE FROM _attribute_keys WHERE id = ? AND rest = ?", (id, _DROPPED))
    with transaction(connection):
        if connection.execute("SELECT count(*) FROM _attribute_keys").fetchone() == (0,):
            run_script(connection, "drop_value_triggers")


def _measure_table(connection: sqlite3.Connection, estimate: int) -> float:
    """Return the bytes that the table takes for each one of `estimate`: measured if SQLite was built with dbstat."""
    try:
        (size,) = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = '_attribute_values'").fetchone()
    except sqlite3.OperationalError:
        return 1 / _FULL
    return size / estimate if estimate else 1 / _FULL
