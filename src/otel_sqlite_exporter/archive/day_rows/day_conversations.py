# SPDX-License-Identifier: Apache-2.0
"""Notes the conversations of the spans of a day beside the file, for the statements that read the day.

The view goes up from each span: that takes longer than all else that a row of the day takes.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from otel_sqlite_exporter.sql.texts import read_query

_readers = itertools.count()


@contextmanager
def noting_conversations(connection: sqlite3.Connection, asked: Mapping[str, Any]) -> Iterator[int]:
    """Note them for the parameters of a query, and give the number of the reader, by which the query finds them."""
    reader = next(_readers)
    _run(connection, "create_day_conversations", {})
    try:
        _run(connection, "fill_day_conversations", {**asked, "reader": reader})
        yield reader
    finally:
        _run(connection, "forget_day_conversations", {"reader": reader})


def _run(connection: sqlite3.Connection, query: str, parameters: Mapping[str, Any]) -> None:
    is_read_only = connection.execute("PRAGMA query_only").fetchone()[0]
    connection.execute("PRAGMA query_only = OFF")  # it forbids temporary tables too
    try:
        connection.execute(read_query(query), parameters)
    finally:
        connection.execute(f"PRAGMA query_only = {is_read_only}")
