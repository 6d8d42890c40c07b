# SPDX-License-Identifier: Apache-2.0
"""Every engine says of a dataset what SQLite says of one file with the same records: the rows of each view, and the
answers to ten questions. Its views have the documented columns and types."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from tests.commands import run
from tests.engines.compared_rows import find_difference
from tests.engines.documented_views import VIEWS, find_unlike_columns
from tests.engines.engine_processes import Answer, ask_process
from tests.engines.host_datasets import Hosts, make_hosts
from tests.engines.ten_questions import QUESTIONS, put_questions

pytestmark = pytest.mark.slow

IDS = frozenset(("id", "event_id", "related_event_id", "start_id", "finish_id", "call_id", "series_id"))
"""Keys of rows are others in each file. A question asks for pairs by them."""
NEW_DATABASE = ("CREATE DATABASE otel", "USE otel")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    return make_hosts(tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def expected(hosts: Hosts) -> Mapping[str, Answer]:
    """What SQLite says."""
    with hosts.reading() as file:
        said = {name: ask_sqlite(file, sql) for name, sql in make_questions("sqlite", hosts).items()}
    assert [name for name, answer in said.items() if not answer.rows and name != "kept_usage"] == []
    return said


def ask_sqlite(connection: sqlite3.Connection, sql: str) -> Answer:
    cursor = connection.execute(sql)
    return Answer([(name, "") for name, *_ in cursor.description], cursor.fetchall())


def make_questions(engine: str, hosts: Hosts) -> dict[str, str]:
    """All rows of each view, and the ten questions, which are about the trace with the most spans."""
    with hosts.reading() as file:
        (trace_id,) = file.execute("SELECT trace_id FROM traces ORDER BY spans DESC, trace_id LIMIT 1").fetchone()
    return {view: f"SELECT * FROM {view}" for view in VIEWS} | put_questions(engine, trace_id)


def print_statements(engine: str, hosts: Hosts, *options: str) -> list[str]:
    """The statements that `engine-sql` prints; each ends with the line."""
    code, printed, error = run("engine-sql", engine, "--dataset", hosts.dataset.path, *options)
    assert (code, error) == (0, "")
    lines = [line for line in printed.splitlines() if not line.startswith("--")]
    return [statement for statement in "\n".join([*lines, ""]).split(";\n") if statement]


def find_differences(expected: Mapping[str, Answer], found: Mapping[str, Answer]) -> dict[str, Any]:
    """By view and question, what an engine says otherwise."""
    unlike: dict[str, Any] = {view: find_unlike_columns(view, found[view].columns) for view in VIEWS}
    for name, answer in expected.items():
        unlike[name] = unlike.get(name) or find_difference(_leave_ids(answer), _leave_ids(found[name]))
    return {name: difference for name, difference in unlike.items() if difference}


def _leave_ids(answer: Answer) -> list[Sequence[Any]]:
    places = [place for place, (name, _) in enumerate(answer.columns) if name not in IDS]
    return [[row[place] for place in places] for row in answer.rows]


def ask_duckdb(connection: Any, hosts: Hosts) -> dict[str, Answer]:
    answers = {}
    for name, sql in make_questions("duckdb", hosts).items():
        asked = connection.execute(sql)
        answers[name] = Answer([(column, str(type)) for column, type, *_ in asked.description], asked.fetchall())
    return answers


def test_sqlite_answers_ten_questions_and_one_for_pairs(expected: Mapping[str, Answer]) -> None:
    assert len(QUESTIONS) == 11
    assert set(expected) == {*VIEWS, *QUESTIONS}


def test_duckdb_in_this_package(hosts: Hosts, expected: Mapping[str, Answer]) -> None:
    with open_engine(hosts.dataset, threads=1) as engine:
        assert find_differences(expected, ask_duckdb(engine.connection, hosts)) == {}


def test_duckdb_with_the_printed_sql(hosts: Hosts, expected: Mapping[str, Answer]) -> None:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        for statement in print_statements("duckdb", hosts):
            connection.execute(statement)
        assert find_differences(expected, ask_duckdb(connection, hosts)) == {}


def test_clickhouse_with_tables_of_its_own(hosts: Hosts, expected: Mapping[str, Answer]) -> None:
    """Days that are loaded again are there once. In a second database, all is loaded twice: the keys tell all rows
    apart, and those that are there twice are one."""
    days = sorted({manifest.date for manifest in read_manifests(hosts.dataset)})
    again = [option for day in days[:2] for option in ("--day", day)]
    statements = print_statements("clickhouse", hosts)
    tables = [statement for statement in statements if "VIEW" not in statement]
    twice = [*tables, *(statement for statement in tables if statement.startswith("INSERT"))]
    assert len(twice) == 3 * len(TABLES)
    counts = {f"twice._{table}": f"SELECT count() FROM twice._{table} SETTINGS final = 1" for table in TABLES}
    first, then = ["CREATE DATABASE twice", "USE twice", *twice], print_statements("clickhouse", hosts, *again)
    questions = make_questions("clickhouse", hosts) | counts
    answers = ask_process("clickhouse", [*first, *NEW_DATABASE, *statements, *then], questions)
    assert find_differences(expected, answers) == {}
    assert {name: answers[name].rows for name in counts} == {
        f"twice._{table}": [(hosts.count(table),)] for table in TABLES
    }


def test_clickhouse_that_reads_the_files(hosts: Hosts, expected: Mapping[str, Answer]) -> None:
    statements = [*NEW_DATABASE, *print_statements("clickhouse", hosts, "--in-place")]
    answers = ask_process("clickhouse", statements, make_questions("clickhouse", hosts))
    assert find_differences(expected, answers) == {}


def test_spark(hosts: Hosts, expected: Mapping[str, Answer]) -> None:
    answers = ask_process("spark", print_statements("spark", hosts), make_questions("spark", hosts))
    assert find_differences(expected, answers) == {}
