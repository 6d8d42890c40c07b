# SPDX-License-Identifier: Apache-2.0
"""Files that each released version wrote are upgraded with all they hold, and long steps go on where they stood."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.errors import MigrationFailedError, MigrationRequiredError
from otel_sqlite_exporter.ingest.upkeep.diagnosis import diagnose
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.migrations import Migration, apply_steps, split_statements
from tests.commands import run_on_terminal
from tests.conftest import ROOT, export_all, exporting, read, span_names
from tests.files import check_file, snapshot
from tests.upgrades import NEWEST, RELEASED, beside, migrate, prepare, version

FIXTURES = ROOT / "tests" / "versions"
EACH = "UPDATE _spans SET name = 'new ' || name WHERE id > :after AND id <= :upto;\n"
LONG = Migration(
    NEWEST + 1,
    "rename_spans",
    "CREATE TABLE _before (x TEXT) STRICT;\n"
    f"-- each 2 rows of _spans\n{EACH}"
    "-- then\nCREATE TABLE _then (x TEXT) STRICT;\n",
)
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"


@pytest.fixture
def written(path: Path) -> Path:
    """A file of five spans."""
    with exporting(path) as exporter:
        export_all(exporter, "a", "b", "c", "d", "e")
    return path


def write_version(path: Path, number: int) -> Path:
    """Make the file that a released version has written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        apply_steps(connection, RELEASED[:number])
        for statement in split_statements((FIXTURES / f"{number:04}.sql").read_text()):
            connection.execute(statement)
    return path


def test_there_is_a_file_of_every_version_before_the_newest() -> None:
    assert sorted(file.name for file in FIXTURES.iterdir()) == [f"{number:04}.sql" for number in range(1, NEWEST)]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, NEWEST))
def test_a_file_of_every_version_is_upgraded_with_all_that_it_holds(tmp_path: Path, number: int) -> None:
    path = write_version(tmp_path / "otel.db", number)
    before = {name: read(path, f"SELECT count(*) FROM {name}") for name in ("_spans", "_events", "_links", "_traces")}
    report = migrate(path)
    assert (report.from_version, report.to_version) == (number, NEWEST)
    assert {name: read(path, f"SELECT count(*) FROM {name}") for name in before} == before
    migrate(tmp_path / "new.db")
    assert read(path, SCHEMA) == read(tmp_path / "new.db", SCHEMA)
    with closing(sqlite3.connect(path)) as connection:
        check_file(connection)
    names = ["chat m", "execute_tool search", *(["running"] if number > 1 else []), "turn"]
    assert span_names(path) == names
    calls = "SELECT model, input_tokens, session_id FROM complete_llm_interactions WHERE name = 'chat m'"
    assert read(path, calls) == [("m", 12, "chat-1")]
    assert read(path, "SELECT tool_name, status FROM complete_tool_interactions") == [("search", "error")]
    agents = (
        "SELECT service_name, llm_calls, total_tokens, sessions FROM agents WHERE service_name = 'agent' AND llm_calls"
    )
    assert ("agent", 1, 46, 1) in read(path, agents)
    problems = {finding.check for finding in diagnose(resolve_settings(path)) if finding.severity == "problem"}
    assert problems <= {"running"}
    with exporting(path) as exporter:
        export_all(exporter, "new")
    assert span_names(path) == sorted([*names, "new"])


def stop_after(batches: int) -> Callable[[str, int, int], None]:
    left = batches

    def count(name: str, done: int, total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    return count


def test_a_long_step_tells_how_far_it_is_and_goes_on_where_it_stood(written: Path) -> None:
    steps = (*RELEASED, LONG)
    with pytest.raises(KeyboardInterrupt):
        migrations.migrate(str(written), busy_timeout_ms=0, steps=steps, on_progress=stop_after(2))
    assert version(written) == NEWEST
    assert span_names(written) == ["e", "new a", "new b", "new c", "new d"]
    told: list[tuple[str, int, int]] = []
    migrations.migrate(
        str(written), busy_timeout_ms=0, backup=False, steps=steps, on_progress=lambda *what: told.append(what)
    )
    assert told == [("rename_spans", 5, 5)]
    assert version(written) == LONG.version
    assert span_names(written) == [f"new {name}" for name in "abcde"]
    tables = {name for (name,) in read(written, "SELECT name FROM sqlite_schema")}
    assert {"_before", "_then"} <= tables
    assert "_migration_progress" not in tables


def test_the_command_shows_how_far_a_long_step_is(written: Path) -> None:
    code = """\
from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.storage import migrations
from tests.integration.test_upgrades import LONG, RELEASED

migrations.load_migrations = lambda: (*RELEASED, LONG)
cli(prog_name=PROGRAM)
"""
    program = [sys.executable, "-c", code]
    shown = run_on_terminal("migrate", written, program=program, PYTHONPATH=f"{ROOT}:{ROOT / 'src'}")
    assert "rows" in shown
    assert "5/5" in shown
    assert span_names(written) == [f"new {name}" for name in "abcde"]


def test_what_a_long_step_has_not_seen_is_gone_over_too(written: Path) -> None:
    def write_more(name: str, done: int, total: int) -> None:
        if done == 2:
            with exporting(written, auto_migrate="never") as exporter:
                export_all(exporter, "late")

    steps = (*RELEASED, LONG)
    migrations.migrate(str(written), busy_timeout_ms=0, steps=steps, on_progress=write_more)
    assert span_names(written) == [f"new {name}" for name in (*"abcde", "late")]


def test_a_batch_that_fails_is_rolled_back_and_the_ones_before_it_stay(written: Path) -> None:
    def work(connection: sqlite3.Connection, after: int, upto: int) -> None:
        connection.execute("UPDATE _spans SET name = 'x' WHERE id > ? AND id <= ?", (after, upto))
        if after == 2:
            connection.execute("INSERT INTO _nothing VALUES (1)")

    with pytest.raises(MigrationFailedError, match="no such table: _nothing"):
        migrate(written, LONG._replace(work=work))
    assert version(written) == NEWEST
    assert span_names(written) == ["c", "d", "e", "x", "x"]


def test_a_long_step_may_be_python(written: Path) -> None:
    ranges: list[tuple[int, int]] = []
    migrate(written, LONG._replace(work=lambda connection, after, upto: ranges.append((after, upto))))
    assert ranges == [(0, 2), (2, 4), (4, 5)]
    assert span_names(written) == ["a", "b", "c", "d", "e"]
    assert version(written) == LONG.version


@pytest.mark.parametrize("auto_migrate", ["safe", "always", "never"])
def test_a_long_step_is_never_applied_in_an_export(written: Path, auto_migrate: str) -> None:
    before = snapshot(written)
    with pytest.raises(MigrationRequiredError, match="migrate"):
        prepare(written, auto_migrate, LONG)
    assert snapshot(written) == before
    assert beside(written) == []


def test_a_new_file_takes_long_steps_at_once(tmp_path: Path) -> None:
    prepare(tmp_path / "new.db", "safe", LONG)
    assert version(tmp_path / "new.db") == LONG.version


def test_a_step_without_its_end_is_refused(written: Path) -> None:
    with pytest.raises(ValueError, match="needs a line '-- then'"):
        migrate(written, LONG._replace(sql=f"-- each 2 rows of _spans\n{EACH}"))
