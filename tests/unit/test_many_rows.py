# SPDX-License-Identifier: Apache-2.0
"""How many rows one statement writes: preparing a statement of very many rows takes more for each row."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from otel_sqlite_exporter.write.statements import Insert, TableRows


def test_very_many_rows_are_written_by_several_statements() -> None:
    texts: list[str] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE numbers (number INTEGER)")
        connection.set_trace_callback(texts.append)
        rows = TableRows(Insert("numbers", ("number",)))
        for number in range(1, 5_001):
            rows.add((number,))
        rows.write(connection)
        assert sum(text.startswith("INSERT") for text in texts) == 3
        assert connection.execute("SELECT count(*), sum(number) FROM numbers").fetchone() == (5_000, 12_502_500)
