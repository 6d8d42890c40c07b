# SPDX-License-Identifier: Apache-2.0
"""A populated file is upgraded with all it holds, and long steps resume where they stopped."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.errors import MigrationFailedError, MigrationRequiredError
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.steps import Migration
from tests.commands import run_program_on_terminal
from tests.conftest import ROOT, export_all, exporting, in_new_process, read, span_names
from tests.file_checks import check_file, snapshot
from tests.sample_traces import write_traces
from tests.upgrades import NEWEST, NEXT_STEP, NEXT_VIEWS, RELEASED, beside, migrate, prepare, version

EACH = "UPDATE _spans SET name = 'new ' || name WHERE id > :after AND id <= :upto;\n"
LONG = Migration(
    NEWEST + 1,
    "rename_spans",
    "CREATE TABLE _before (x TEXT) STRICT;\n"
    f"-- each 2 rows of _spans\n{EACH}"
    "-- then\nCREATE TABLE _then (x TEXT) STRICT;\n",
)


@pytest.fixture
def written(path: Path) -> Path:
    """A file of five spans."""
    with exporting(path) as exporter:
        export_all(exporter, "a", "b", "c", "d", "e")
    return path


def stop_after(batches: int) -> Callable[[str, int, int], None]:
    left = batches

    def count(name: str, done: int, total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    return count


def test_a_populated_file_is_killed_in_the_next_step_and_resumed(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db")
    rows = {table: read(path, f"SELECT count(*) FROM {table}")[0][0] for table in ("_spans", "_llm_interactions")}
    assert rows == {"_spans": 60, "_llm_interactions": 36}
    shown = read(path, "SELECT * FROM sessions")
    in_new_process(upgrade_and_die, path, status=-signal.SIGKILL)
    assert version(path) == NEWEST
    assert read(path, "SELECT count(*) FROM _slow_spans") == [(21,)]
    assert read(path, "SELECT * FROM sessions") == shown
    with exporting(path, auto_migrate="never") as exporter:
        export_all(exporter, "meanwhile")
    told: list[int] = []
    report = migrations.migrate(
        str(path),
        busy_timeout_ms=0,
        steps=(*RELEASED, NEXT_STEP),
        views=NEXT_VIEWS,
        on_progress=lambda name, done, of: told.append(done),
    )
    ids = [id for (id,) in read(path, "SELECT id FROM _spans ORDER BY id")]
    assert told == [ids[number - 1] for number in (28, 35, 42, 49, 56, 61)]
    assert (report.from_version, report.to_version, report.applied) == (NEWEST, NEXT_STEP.version, (NEXT_STEP,))
    assert report.replaced_views
    assert version(path) == NEXT_STEP.version
    seconds = "SELECT s.id, (s.end_time_unix_nano - s.start_time_unix_nano) / 1e9 FROM _spans AS s ORDER BY s.id"
    assert read(path, "SELECT span, seconds FROM slow_spans ORDER BY span") == read(path, seconds)
    assert read(path, "SELECT slow_spans, spans FROM row_counts") == [(61, 61)]
    assert read(path, "SELECT * FROM sessions") == shown
    assert read(path, "SELECT count(*) FROM _state WHERE name LIKE 'step%'") == [(0,)]
    (noted,) = read(path, "SELECT statistics FROM _migrations WHERE version = ?", NEXT_STEP.version)
    statistics = json.loads(noted[0])
    assert statistics["rows_before"] == statistics["rows_after"]
    assert {**statistics["rows_after"], "_spans": 60} == {**statistics["rows_after"], **rows}
    assert statistics["rows_after"]["_spans"] == 61
    assert version(Path(str(report.backup))) == NEWEST
    with closing(sqlite3.connect(path)) as connection:
        check_file(connection)


def test_an_upgraded_file_is_as_a_new_one(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 1)
    migrate(path, NEXT_STEP, views=NEXT_VIEWS)
    migrate(tmp_path / "new.db", NEXT_STEP, views=NEXT_VIEWS)
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    assert read(path, schema) == read(tmp_path / "new.db", schema)


def upgrade_and_die(path: str) -> None:
    """A program: it is killed after three batches of the next step."""

    batches = itertools.count(1)

    def die(name: str, done: int, of: int) -> None:
        if next(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    steps = (*RELEASED, NEXT_STEP)
    migrations.migrate(path, busy_timeout_ms=0, backup=False, steps=steps, views=NEXT_VIEWS, on_progress=die)


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
    assert told == [("rename_spans", 9, 9)]  # the id of the last
    assert version(written) == LONG.version
    assert span_names(written) == [f"new {name}" for name in "abcde"]
    assert {("_before",), ("_then",)} <= {*read(written, "SELECT name FROM sqlite_schema")}
    assert read(written, "SELECT count(*) FROM _state WHERE name LIKE 'step%'") == [(0,)]


def test_the_command_shows_how_far_a_long_step_is(written: Path) -> None:
    code = """\
from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.storage import migrations
from tests.integration.test_upgrades import LONG, RELEASED

migrations.load_migrations = lambda: (*RELEASED, LONG)
cli(prog_name=PROGRAM)
"""
    program = [sys.executable, "-c", code]
    shown = run_program_on_terminal([*program, "migrate", str(written)], PYTHONPATH=f"{ROOT}:{ROOT / 'src'}")
    assert "rows" in shown
    assert "9/9" in shown
    assert span_names(written) == [f"new {name}" for name in "abcde"]


def test_what_a_long_step_has_not_seen_is_gone_over_too(written: Path) -> None:
    def write_more(name: str, done: int, total: int) -> None:
        if done == 3:
            with exporting(written, auto_migrate="never") as exporter:
                export_all(exporter, "late")

    steps = (*RELEASED, LONG)
    migrations.migrate(str(written), busy_timeout_ms=0, steps=steps, on_progress=write_more)
    assert span_names(written) == [f"new {name}" for name in (*"abcde", "late")]


def test_a_batch_that_fails_is_rolled_back_and_the_ones_before_it_stay(written: Path) -> None:
    fails = "INSERT INTO _before SELECT 'not a number' WHERE :after = 3;\n"
    sql = LONG.sql.replace("x TEXT", "x INTEGER", 1).replace(EACH, EACH + fails)
    with pytest.raises(MigrationFailedError, match="cannot store TEXT value in INTEGER column"):
        migrate(written, LONG._replace(sql=sql))
    assert version(written) == NEWEST
    assert span_names(written) == ["c", "d", "e", "new a", "new b"]


def test_a_note_of_a_batch_that_somebody_changed_is_one_clear_error(written: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        migrations.migrate(str(written), busy_timeout_ms=0, steps=(*RELEASED, LONG), on_progress=stop_after(1))
    with closing(sqlite3.connect(written)) as connection, connection:
        connection.execute("UPDATE _state SET value = 'abc' WHERE name LIKE 'step%'")
    with pytest.raises(MigrationFailedError, match="table _before already exists"):
        migrate(written, LONG)
    assert span_names(written) == ["c", "d", "e", "new a", "new b"]


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
