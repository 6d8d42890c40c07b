# SPDX-License-Identifier: Apache-2.0
"""Values in a file that cannot be read: JSON that is none, texts that are not UTF-8, numbers and ids out of range.

SQLite does not see such damage: it checks the pages of a file, and not what the texts in them say.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from otel_sqlite_exporter.errors import DamagedFileError, FileRefusedError
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file, report_damage

FAILURES_TO_READ = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python code raises for a value that has not the form which it was written in."""
_OF_VALUES = ("JSON", "UTF-8")
"""A word of these is in what SQLite says of such a value."""


def find_unreadable(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a sentence for each column with such values. It reads all records of the file.

    Args:
        connection: To a file of the present version.
    """
    tables = [table for (table,) in connection.execute(read_query("find_tables")).fetchall()]
    undecodable = [found for table in tables if (found := _find_undecodable(connection, table)) is not None]
    if undecodable:
        yield from undecodable
        return
    for table, column, values, first in connection.execute(read_query("find_unreadable")):
        yield f"{count(values, 'value', 'values')} of {table}.{column} cannot be read, the first in the row {first}"


def _find_undecodable(connection: sqlite3.Connection, table: str) -> str | None:
    """Return a sentence if the table holds a text that is not UTF-8. All texts of a row are decoded as one: this takes
    three quarters of the time. A line feed between them keeps two broken ones from making one that is sound."""
    texts = [name for _, name, type_, *_ in connection.execute(f'PRAGMA table_info("{table}")') if type_ == "TEXT"]
    joined = " || char(10) || ".join(f"""ifnull("{name}", '')""" for name in texts)
    try:
        for _ in connection.execute(f'SELECT {joined or "NULL"} FROM "{table}"'):
            pass
    except (sqlite3.OperationalError, UnicodeDecodeError):
        with contextlib.closing(connection.execute(f'SELECT * FROM "{table}"')) as rows:
            try:
                for _ in rows:
                    pass
            except (sqlite3.OperationalError, UnicodeDecodeError) as error:  # Python's message quotes the whole text
                return f"{table} holds a text that is not UTF-8 ({str(error).partition(' with text')[0]})"
    return None


def explain_failure(settings: Settings, error: Exception) -> DamagedFileError | None:
    """Return what is wrong with the file if that may be why a command raised `error`; None: its values are sound."""
    if isinstance(error, sqlite3.Error) and not any(word in str(error) for word in _OF_VALUES):
        return None
    try:
        found = read_file(
            settings.path,
            lambda connection: [*find_unreadable(connection), *_find_broken(connection)],
            busy_timeout_ms=settings.busy_timeout_ms,
        )
    except DamagedFileError as damage:
        return damage
    except (FileRefusedError, sqlite3.Error, OSError):
        return None
    return report_damage(settings.path, "; ".join(found)) if found else None


def _find_broken(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what SQLite finds wrong with the pages, and the first reference to a row that is not there."""
    yield from (found for (found,) in connection.execute("PRAGMA integrity_check(1)") if found != "ok")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        yield f"row {broken[1]} of {broken[0]} refers to a row of {broken[2]} that is not there"
