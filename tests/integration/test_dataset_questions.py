# SPDX-License-Identifier: Apache-2.0
"""What a dataset is asked on the command line: `sql`, which only reads, and `report`; and on which days ids are."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.asking.divided_traces import describe_parts
from otel_sqlite_exporter.archive.asking.locator import find_days, find_ids, write_locator
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import LOCATOR, DatasetFolder, open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import commit_manifest, read_manifests
from otel_sqlite_exporter.errors import DamagedFileError
from tests.archived import archive, list_files
from tests.commands import run
from tests.conftest import exporting
from tests.dataset_files import DAY_NS, FIRST_NS

pytest.importorskip("duckdb")
_FIRST, _NEXT = "2026-01-31", "2026-02-01"


def span(trace: int, day: float, **attributes: str | int) -> ReadableSpan:
    start = FIRST_NS + int(day * DAY_NS)
    return ReadableSpan(
        "chat",
        SpanContext(trace, 1, False, TraceFlags(1)),
        None,
        None,
        attributes,
        start_time=start,
        end_time=start + 9,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two days: `one` is on both, `two` on the second."""
    path = tmp_path_factory.mktemp("asked") / "otel.db"
    call: dict[str, str | int] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    used = call | {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
    with exporting(path) as exporter:
        exporter.export([span(1, 0, **used, **{"session.id": "one"}), span(2, 1, **used, **{"session.id": "one"})])
        exporter.export([span(3, 1, **used, **{"session.id": "two"})])
    archive(path, path.with_name("dataset"))
    return path.with_name("dataset")


@pytest.fixture
def dataset(folder: Path) -> DatasetFolder:
    return open_dataset(folder)


def test_sql_prints_rows_in_each_form(folder: Path) -> None:
    statement = "SELECT session_id, traces, start_time FROM sessions ORDER BY session_id"
    code, out, err = run("sql", statement, folder, "--json")
    assert (code, err) == (0, "")
    rows = [["one", 2, "2026-01-31T00:00:00.000000Z"], ["two", 1, "2026-02-01T00:00:00.000000Z"]]
    assert [[*row.values()] for row in json.loads(out)["rows"]] == rows
    assert run("sql", statement, folder, "--csv", "-n", "1")[1].splitlines()[1:] == [",".join(map(str, rows[0]))]
    assert json.loads(run("sql", "SHOW TABLES", folder, "--json")[1])["total"] > 30
    assert run("sql", "EXPLAIN SELECT 1", folder)[0] == 0
    nested = run("sql", "SELECT [1, 2] AS list, DATE '2026-01-31' AS day, 'a'::BLOB AS bytes", folder, "--json")[1]
    assert json.loads(nested)["rows"] == [{"list": [1, 2], "day": "2026-01-31", "bytes": "61"}]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT nope FROM spans", 'Referenced column "nope" not found'),
        ("SELECT * FROM nope", "Table with name nope does not exist"),
        ("selec", 'syntax error at or near "selec"'),
        ("", "it returns no rows: give a SELECT"),
        ("SELECT 1; SELECT 2", "it is more than one statement: give one SELECT"),
        ("DELETE FROM spans", "only reading is allowed here: give a SELECT"),
        ("CREATE TABLE t (a INTEGER)", "only reading is allowed here"),
        ("SET threads = 9", "only reading is allowed here"),
        ("ATTACH 'x.db'", "only reading is allowed here"),
        ("INSTALL httpfs", "only reading is allowed here"),
        ("COPY (SELECT 1) TO '{part}'", "only reading is allowed here"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}'", "only reading is allowed here"),
        ("WITH x AS (COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)) SELECT 1", "put a name that is COPY in double"),
        ("EXPLAIN ANALYZE WITH x AS (/* é */ copy (SELECT 1) TO '{part}' (USE_TMP_FILE false)) SELECT 1", "COPY"),
        ("SELECT * FROM query('WITH x AS (COPY (SELECT 1) TO ''{part}'' (USE_TMP_FILE false)) FROM x')", "top level"),
        ("SELECT * FROM read_text('{file}')", "Cannot access file"),
        ("SELECT * FROM '{folder}/*/*/*.parquet'", "Cannot access file"),
        ("SELECT * FROM glob('/*')", "Cannot access file"),
        ("SELECT * FROM read_csv('https://example.org/a.csv')", "Cannot access file"),
        ("SELECT * FROM folder", "Table with name folder does not exist"),
    ],
)
def test_sql_reads_the_dataset_and_nothing_else(folder: Path, tmp_path: Path, statement: str, said: str) -> None:
    other = tmp_path / "other.txt"
    other.write_text("private")
    files = {name: (folder / name).read_bytes() for name in list_files(folder)}
    part = next(folder / name for name in files if name.startswith("spans/"))
    text = statement.replace("{part}", str(part)).replace("{file}", str(other)).replace("{folder}", str(folder))
    code, out, err = run("sql", text, folder)
    assert (code, out) == (2, "")
    assert said in err
    assert "private" not in err
    assert err.startswith("Error: STATEMENT: ")
    assert err.count("\n") == 1
    assert {name: (folder / name).read_bytes() for name in list_files(folder)} == files


def test_sql_stops_in_time(folder: Path) -> None:
    statement = "SELECT count(*) FROM range(1000000000000) AS a (x), range(1000) AS b (y) WHERE x = y + 5"
    code, _, err = run("sql", statement, folder, "--timeout", "0.2")
    assert (code, err) == (2, "Error: --timeout: the statement took longer than 0.2 s\n")


def test_the_process_ends_where_a_statement_cannot_be_stopped(folder: Path) -> None:
    program = (
        "import sys; from otel_sqlite_exporter.archive.asking import dataset_statement; dataset_statement.GRACE_S = 0;"
        "from otel_sqlite_exporter.cli.commands import cli; cli(sys.argv[1:])"
    )
    words = ("sql", "SELECT length(repeat('x', 200000000))", str(folder), "--timeout", "0.001")
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: --timeout: the statement took longer, and DuckDB did not stop: ended the process\n"


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    for command in (("sql", "SELECT 1"), ("report", "tokens")):
        code, _, err = run(*command, tmp_path)
        assert code == 2
        assert "it is no dataset, as it has no otel-dataset.json" in err


def test_report_prints_rows_and_keeps_a_budget(folder: Path) -> None:
    code, out, _ = run("report", "tokens", folder, "--csv", "-g", "day")
    assert (code, [line.split(",")[:4] for line in out.splitlines()[1:]]) == (
        0,
        [[_FIRST, "1", "1", "5"], [_NEXT, "2", "2", "10"]],
    )
    code, _, err = run("report", "tokens", folder, "--session", "tw", "--fail-above", "4")
    assert (code, err) == (1, "too much: total_tokens of the report tokens: 7, allowed: 4\n")
    assert run("report", "tokens", folder, "--plan")[0] == 0
    assert "a dataset has no report queries" in run("report", "queries", folder)[2]


def test_traces_in_several_parts_are_told(folder: Path, dataset: DatasetFolder, tmp_path: Path) -> None:
    assert describe_parts(dataset) is None
    copied = tmp_path / "copied"
    for name in ("otel-dataset.json", *list_files(folder)):
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        (copied / name).write_bytes((folder / name).read_bytes())
    again = open_dataset(copied)
    commit_manifest(again, dataclasses.replace(read_manifests(again)[-1], generation=7))
    code, _, err = run("sql", "SELECT 1", copied)
    assert (code, err) == (0, f"2 traces stand in several parts: run compact {copied}\n")
    assert run("report", "tokens", copied)[2] == err


def test_days_are_found_with_and_without_the_locator(folder: Path) -> None:
    dataset = open_dataset(folder)
    trace = f"{2:032x}"
    expected = {"one": (_FIRST, _NEXT), "two": (_NEXT,), "nobody": (), trace: (_NEXT,)}
    asked = {"session_ids": ["one", "two", "nobody"], "trace_ids": [trace]}
    assert find_days(dataset, **asked) == expected
    write_locator(dataset)
    write_locator(dataset)
    (ids,) = (folder / LOCATOR).glob("ids-*")
    assert find_days(dataset, **asked) == expected
    assert find_ids(dataset, "trace_id", "0" * 31, 5) == [f"{number:032x}" for number in (1, 2, 3)]
    assert find_ids(dataset, "session_id", "o", 5) == ["one"]
    about = json.loads((folder / LOCATOR / "locator.json").read_text())
    # The second day came after the locator was written.
    about["manifests"] = [name for name in about["manifests"] if _NEXT not in name]
    (folder / LOCATOR / "locator.json").write_text(json.dumps(about))
    assert find_days(dataset, **asked) == expected
    ids.write_bytes(b"PAR1")
    with pytest.raises(DamagedFileError, match="its locator or a part cannot be read"):
        find_days(dataset, **asked)
    (folder / LOCATOR / "locator.json").unlink()
    write_locator(dataset)
    assert find_days(dataset, **asked) == expected


def test_the_parts_of_some_days_alone_are_read(dataset: DatasetFolder) -> None:
    sql = "SELECT trace_id FROM spans"
    with open_engine(dataset, dates={_FIRST}, texts=[sql], threads=1, memory=1 << 26) as engine:
        assert engine.connection.execute(sql).fetchall() == [(f"{1:032x}",)]
