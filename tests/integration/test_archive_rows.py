# SPDX-License-Identifier: Apache-2.0
"""The rows of an archive are those of the views of the file, each on one day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings

from otel_sqlite_exporter.archive.dataset_format.dataset_days import bound_day, parse_day
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import read_part
from otel_sqlite_exporter.archive.day_rows.day_writer import write_day
from otel_sqlite_exporter.archive.day_rows.row_reader import READERS, DayRows, find_id_base, read_rows
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.storage.open_work import show_open_work
from tests.dataset_files import DAY_NS
from tests.mixed_records import export_batches, mixed_records

VIEWS = {
    "llm_interactions": "complete_llm_interactions",
    "tool_interactions": "complete_tool_interactions",
    "trace_sessions": None,
    "marks": None,
}
"""By table, the view whose rows it holds, where that has another name; None: no view has its rows."""
SOURCE = "0123456789abcdef"
BASE = find_id_base(SOURCE)
IDS = frozenset(
    ("id", "start_id", "finish_id", "related_event_id", "event_id", "call_id", "_finish_id", "_span", "_log")
)


@pytest.fixture
def file(rich: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(rich, isolation_level=None)) as connection:
        show_open_work(connection)
        yield connection


def read_table(
    file: sqlite3.Connection, table: str, since: int = 0, until: int = LARGEST, **more: Any
) -> list[dict[str, Any]]:
    """The rows of a table, with the ids of the file."""
    rows = [row for batch in read_rows(file, table, since, until, BASE, **more) for row in batch.to_pylist()]
    return [
        {name: value - BASE if name in IDS and value is not None else value for name, value in row.items()}
        for row in rows
    ]


def read_view(file: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """The rows of the view of a table, with the columns that the table has too."""
    cursor = file.execute(f"SELECT * FROM {VIEWS.get(table, table)}")
    names = [name for name, *_ in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    if table == "events":  # the start and the finish of a span follow from the span
        rows = [row for row in rows if row["source"] != "span"]
    kept = [name for name in names if name in TABLES[table].columns]
    return [{name: row[name] for name in kept} for row in rows]


def settle_rows(rows: list[dict[str, Any]]) -> list[str]:
    """Rows that can be compared, in an order of their own."""
    return sorted(repr(sorted(row.items())) for row in rows)


def public(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]


@pytest.mark.parametrize("table", [table for table in READERS if VIEWS.get(table, table)])
def test_the_rows_of_a_table_are_those_of_its_view(file: sqlite3.Connection, table: str) -> None:
    expected = read_view(file, table)
    assert expected
    assert settle_rows(public(read_table(file, table))) == settle_rows(expected)


@pytest.mark.parametrize("table", READERS)
def test_each_row_is_on_one_day(file: sqlite3.Connection, table: str) -> None:
    first, last = file.execute(
        "SELECT min(w.time) / :day, max(w.time) / :day FROM (SELECT start_time_unix_nano AS time FROM _traces"
        " UNION ALL SELECT time_unix_nano FROM _logs) AS w",
        {"day": DAY_NS},
    ).fetchone()
    by_day = [read_table(file, table, day * DAY_NS, (day + 1) * DAY_NS) for day in range(first, last + 1)]
    assert sum(map(bool, by_day)) > 3
    if table != "trace_sessions":  # of log records without a trace it has a row for each day
        assert settle_rows([row for rows in by_day for row in rows]) == settle_rows(read_table(file, table))


@pytest.mark.parametrize("table", READERS)
def test_rows_are_sorted_as_the_table_says(file: sqlite3.Connection, table: str) -> None:
    sort = TABLES[table].sort
    keys = [[(row[name] is not None, row[name]) for name in sort] for row in read_table(file, table)]
    assert keys == sorted(keys)


def test_two_archives_of_one_file_are_equal(file: sqlite3.Connection, tmp_path: Path) -> None:
    one, other = make_dataset(tmp_path / "one"), make_dataset(tmp_path / "other")
    written = write_day(file, one, SOURCE, "2026-02-01", 0, facts={"why": "asked"})
    assert [part.digest for part in write_day(file, other, SOURCE, "2026-02-01", 0).parts] == [
        part.digest for part in written.parts
    ]
    assert {part.table for part in written.parts} == {*TABLES}
    assert read_manifests(one) == (written,)
    since, until = bound_day(parse_day("2026-02-01"))
    for part in written.parts:
        rows = read_part(one, part)
        assert rows.num_rows == part.rows
        assert set(rows.column("date").to_pylist()) == {"2026-02-01"}
    spans = len(read_table(file, "spans", since, until))
    facts = dict(written.facts)
    assert since <= facts.pop("first_unix_nano") < facts.pop("last_unix_nano") < until + DAY_NS
    points = written.count("metrics")
    assert facts == {"why": "asked", "spans": spans, "logs": written.count("logs"), "points": points}


def test_only_the_traces_that_are_asked_for_are_read(file: sqlite3.Connection) -> None:
    wanted = [trace_id for (trace_id,) in file.execute("SELECT trace_id FROM traces ORDER BY trace_id LIMIT 40")]
    for table in READERS.keys() - {"marks"}:
        rows = read_table(file, table, traces=wanted)
        assert {row["trace_id"] for row in rows} <= {*wanted}, table
        assert settle_rows(rows) == settle_rows([row for row in read_table(file, table) if row["trace_id"] in wanted])


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(file: sqlite3.Connection) -> None:
    counts = []
    for date in ("2026-02-02", "2026-11-28"):  # the second has twice as many spans, and ten times the log records
        statements: list[str] = []
        file.set_trace_callback(statements.append)
        with DayRows(file, *bound_day(parse_day(date)), BASE) as day:
            assert sum(batch.num_rows for table in READERS for batch in day.read(table)) > 100
        file.set_trace_callback(None)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 40


@settings(max_examples=12)
@given(mixed_records())
def test_rows_of_drawn_records_are_those_of_the_views(records: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        export_batches(path, [records])
        with closing(sqlite3.connect(path, isolation_level=None)) as drawn:
            show_open_work(drawn, 2**62)
            for table in READERS:
                if VIEWS.get(table, table):
                    assert settle_rows(public(read_table(drawn, table))) == settle_rows(read_view(drawn, table)), table
