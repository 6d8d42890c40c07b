# SPDX-License-Identifier: Apache-2.0
"""`migrate` of an attribute-row file: staged, checked, resumed after a kill, and nothing lost or done twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.errors import LegacyCheckError, LegacyFileError
from otel_sqlite_exporter.legacy import (
    legacy_encoder,
    legacy_records,
    legacy_values,
    record_writer,
    references,
    stage_progress,
)
from otel_sqlite_exporter.legacy.conversion import drop_legacy_tables, migrate_legacy_file, try_legacy_file
from otel_sqlite_exporter.legacy.legacy_report import LegacyReport, find_legacy_file
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.write.exporter_runs import Counts, Run
from otel_sqlite_exporter.write.writer import Writer
from tests.commands import run, run_on_terminal
from tests.conftest import export_all, exporting, in_new_process, read
from tests.file_checks import foreign, snapshot
from tests.legacy_files import STAGES, TEXT_KEYS, LegacyWriter, write_typical

pytestmark = pytest.mark.slow

CONTENTS = [
    "SELECT event_name, trace_id, span_id, session_id, start_time, time_source, attributes FROM logs ORDER BY 1, 5, 7",
    "SELECT trace_id, span_id, session_id, service_name, start_time, end_time, attributes FROM spans ORDER BY 1, 2",
    "SELECT name, phase, link_method, duration_ms, start_time, time_source FROM events ORDER BY 1, 2, 5",
    "SELECT session_id, start_time, end_time, logs, spans FROM sessions ORDER BY 1",
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    writer = write_typical(tmp_path / "old.db")
    writer.add("llm_interactions", event_id=99, interaction_type="finish", response_timestamp="2025-03-29T12:00:00Z")
    writer.add_attributes("llm_attributes", 98, lost="x")
    return writer.path


def migrate(path: Path, *, into: Path | None = None, backup: bool = True, dry_run: bool = False) -> LegacyReport:
    target = str(into) if into else None
    file = find_legacy_file(str(path), into=target, busy_timeout_ms=1_000)
    assert file is not None
    settings = resolve_settings(into or path)
    if dry_run:
        return try_legacy_file(file, settings, zone=UTC)
    return migrate_legacy_file(file, settings, zone=UTC, into=target, backup=backup)


def contents(path: Path) -> list[list[tuple[Any, ...]]]:
    """What the views show, but for the time of the migration."""
    found = [read(path, query) for query in CONTENTS]
    return [[row for row in rows if "arrival" not in row] for rows in found]


def tables(path: Path) -> set[str]:
    return {name for (name,) in read(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")}


def migrate_and_die(path: str, into: str, kill_at: str, moment: str) -> None:
    """A program: migrates with windows of a few rows, and is killed at one of the notes of what was done."""
    record_writer._ROWS, references._ROWS = 2, 5
    left = int(kill_at)
    note = stage_progress.StageProgress._note

    def note_or_die(self: Any, *arguments: Any) -> None:
        nonlocal left
        left -= 1
        if not left and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        note(self, *arguments)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    stage_progress.StageProgress._note = note_or_die  # type: ignore[method-assign, assignment]
    migrate(Path(path), into=Path(into) if into else None)
    print(json.dumps("done"))


@pytest.mark.parametrize("into", [True, False], ids=["into", "in place"])
def test_a_migration_that_is_killed_at_any_moment_goes_on_where_it_stood(old: Path, tmp_path: Path, into: bool) -> None:
    reference = tmp_path / "reference.db"
    migrate(old, into=reference)
    expected = contents(reference)
    kills = 0
    for kill_at in range(1, 60, 3):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        path, target = folder / "old.db", folder / "new.db" if into else folder / "old.db"
        shutil.copy(old, path)
        arguments = (path, target if into else "", kill_at, ("before", "after")[kill_at % 2])
        try:
            in_new_process(migrate_and_die, *arguments, status=-signal.SIGKILL)
        except AssertionError:
            break  # it was done before
        kills += 1
        done = {stage.name for stage in find(path, target if into else None) if stage.is_done}
        report = migrate(path, into=target if into else None)
        assert list(report.seconds) == list(STAGES)
        assert contents(target) == expected
        assert len(done) < len(STAGES)
    assert kills > 8


@pytest.mark.parametrize("into", [True, False], ids=["into", "in place"])
def test_a_migration_that_stopped_is_a_problem_until_it_is_complete(old: Path, tmp_path: Path, into: bool) -> None:
    target = tmp_path / "new.db" if into else old
    in_new_process(migrate_and_die, old, target if into else "", 9, "after", status=-signal.SIGKILL)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # until then `doctor` says that it is not migrated
    stage = find(old, target if into else None)[-1].name
    assert stage in STAGES[2:-1]
    code, printed, _ = run("doctor", target)
    assert code == 1
    assert f"problem: migration: a migration of attribute rows stopped in stage '{stage}'" in printed
    assert f"stopped in stage '{stage}'" in run("info", target)[1]
    _, printed, _ = run("info", "--json", target)
    backup = None if into else find(old, None)[0].position
    found = {"stage": stage, "is_in_place": not into, "backup": backup}
    assert json.loads(printed)["contents"]["stopped_migrations"] == [found]
    assert backup is None or f"the backup of the old file is {backup}" in run("doctor", target)[1]
    assert run("migrate", *(["--into", target] if into else []), old)[0] == 0
    assert all("stopped in stage" not in run(command, target)[1] for command in ("doctor", "info"))


def find(path: Path, into: Path | None) -> tuple[stage_progress.Stage, ...]:
    file = find_legacy_file(str(path), into=str(into) if into else None, busy_timeout_ms=1_000)
    return file.stages if file else ()


@pytest.mark.parametrize("into", [True, False], ids=["into", "in place"])
def test_a_second_run_says_that_there_is_nothing_to_do(old: Path, tmp_path: Path, into: bool) -> None:
    arguments = ["migrate", old, *(["--into", tmp_path / "new.db"] if into else [])]
    code, printed, errors = run(*arguments)
    assert (code, errors) == (0, "")
    assert "migrated" in printed
    before = snapshot(old)
    code, printed, _ = run(*arguments)
    assert code == 0
    assert "nothing to do" in printed
    assert snapshot(old) == before
    code, printed, _ = run("migrate", "--check", old, "--json")
    assert (code, json.loads(printed)) == (
        1 if into else 0,
        {"path": str(old), "holds_attribute_rows": True, "migrated": not into},
    )


def test_in_place_the_old_tables_stay_as_they_were_and_exporters_write_on(old: Path) -> None:
    before = {name: read(old, f"SELECT * FROM {name}") for name in TEXT_KEYS}
    report = migrate(old)
    assert {name: read(old, f"SELECT * FROM legacy_{name}") for name in TEXT_KEYS} == before
    assert report.backup is not None
    assert {name: read(report.backup, f"SELECT * FROM {name}") for name in TEXT_KEYS} == before
    with exporting(old) as exporter:
        export_all(exporter, "new")
    assert read(old, "SELECT count(*) FROM spans") == [(3,)]


def test_into_another_file_the_old_one_is_not_touched(old: Path, tmp_path: Path) -> None:
    before = snapshot(old)
    migrate(old, into=tmp_path / "new.db")
    for name in ("new.db", "new.db-wal", "new.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert snapshot(old) == before


def test_two_old_files_go_into_one_that_exporters_write(old: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.db"
    with exporting(target) as exporter:
        export_all(exporter, "own")
    other = LegacyWriter(tmp_path / "other.db")
    other.add_event("note", "2025-03-29T12:00:00Z", session_id="other")
    for path in (old, other.path):
        migrate(path, into=target)
    assert read(target, "SELECT count(*) FROM logs WHERE attributes ->> '$.\"legacy.events.id\"' = 1") == [(2,)]
    assert read(target, "SELECT count(*) FROM spans WHERE name = 'own'") == [(1,)]


def test_a_dry_run_reports_what_a_run_does_and_writes_nothing(old: Path) -> None:
    before = snapshot(old)
    code, printed, errors = run("migrate", "--dry-run", "--json", old)
    assert (code, errors) == (0, "")
    assert snapshot(old) == before
    told = json.loads(printed)
    done = json.loads(run("migrate", "--json", old)[1])
    assert (told["dry_run"], done["dry_run"]) == (True, False)
    assert {name: told[name] for name in ("tables", "counts", "filled")} == {
        name: done[name] for name in ("tables", "counts", "filled")
    }
    assert done["tables"]["events"] == {"read": 7, "written": 7}
    assert done["bytes_before"] < done["bytes_after"]
    assert done["counts"]["restored"] == {"integers": 5}
    assert done["counts"]["orphans"]["llm_attributes without llm_interactions"] == 1


def test_a_terminal_shows_the_stage_the_rate_and_what_was_done(old: Path) -> None:
    shown = run_on_terminal("migrate", old)
    assert "rows/s" in shown
    assert "records written" in shown
    assert "backup:" in shown


def test_a_conversion_that_changes_a_value_is_found_by_its_sums(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_value = legacy_values.read_value

    def read_wrongly(row: Mapping[str, Any], counts: Counter[str]) -> tuple[str, Any]:
        kind, value = read_value(row, counts)
        return kind, 151 if value == 150 else value

    monkeypatch.setattr(references, "read_value", read_wrongly)
    with pytest.raises(LegacyCheckError, match="sum of numeric is 324, read 326"):
        migrate(old)
    monkeypatch.undo()
    with pytest.raises(LegacyCheckError, match="sum of numeric"):
        migrate(old)
    assert {f"legacy_{name}" for name in TEXT_KEYS} <= tables(old)


@pytest.mark.parametrize("lost", ["llm.request.max_tokens", "legacy.llm_interactions.id", "llm.vendor"])
def test_a_value_that_does_not_arrive_is_found_in_the_end(
    old: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    build_record = legacy_records.build_record

    def build_wrongly(*arguments: Any) -> Any:
        event, time_source = build_record(*arguments)
        kept = {name: value for name, value in event.attributes.items() if name != lost}
        return event._replace(attributes=kept), time_source

    monkeypatch.setattr(legacy_encoder, "build_record", build_wrongly)
    with pytest.raises(LegacyCheckError, match="stage 'verification'"):
        migrate(old)
    assert {stage.name for stage in find(old, None) if stage.is_done} == {*STAGES[: STAGES.index("verification")]}


@pytest.mark.parametrize("how", ["into", "in place", "without a backup", "dry run"])
def test_a_difference_is_told_with_what_was_changed_and_what_to_do(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    into = tmp_path / "new.db" if how == "into" else None
    monkeypatch.setattr(references.References, "note", lambda *_: ())
    for _ in range(2):  # a second run says the same
        with pytest.raises(LegacyCheckError) as raised:
            migrate(old, into=into, backup=how != "without a backup", dry_run=how == "dry run")
        changed = str(raised.value).partition("Keep the old file: ")[2].partition(". Report this")[0]
        names = "of the old file, nothing but the names of its tables was changed, and"
        if how == "in place":
            assert changed == f"{names} its backup is {find(old, None)[0].position}"
        elif how == "without a backup":
            assert changed == f"{names} there is no backup of it"
        else:
            assert changed == "the old file was not changed"
        assert f"`sqlite3 {old} .schema`" in str(raised.value)


def test_an_event_that_does_not_arrive_is_found(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = Writer.add

    def add_less(writer: Writer, records: Records, run: Run) -> Counts:
        logs = [log for log in records.logs if log.row.event_name != "framework.patch"]
        return add(writer, Records(records.spans, logs), run)

    monkeypatch.setattr(Writer, "add", add_less)
    with pytest.raises(LegacyCheckError, match="events of one name: 1, 0 of them were"):
        migrate(old)


def test_the_old_tables_are_removed_when_asked_and_only_with_their_backup(old: Path) -> None:
    backup = migrate(old).backup
    assert backup is not None
    hidden = f"{backup}.hidden"
    os.rename(backup, hidden)
    code, _, errors = run("migrate", "--drop-legacy", old)
    assert code == 2
    assert "the only copy" in errors
    shutil.copy(hidden, backup)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("DELETE FROM llm_attributes WHERE id = 1")
        connection.commit()
    assert run("migrate", "--drop-legacy", old)[0] == 2
    os.replace(hidden, backup)
    expected = contents(old)
    code, printed, _ = run("migrate", "--drop-legacy", old)
    assert (code, printed.partition(":")[0]) == (0, "the old tables were removed")
    assert contents(old) == expected
    assert not [name for name in tables(old) if name.startswith("legacy_")]
    assert "nothing to do" in run("migrate", old)[1]
    code, printed, _ = run("migrate", "--drop-legacy", old)
    assert (code, "nothing to do" in printed) == (0, True)


def test_without_a_backup_the_old_tables_stay(old: Path) -> None:
    assert run("migrate", "--no-backup", old)[0] == 0
    code, _, errors = run("migrate", "--drop-legacy", old)
    assert (code, "no backup was written" in errors) == (2, True)


def test_what_was_not_migrated_in_place_is_not_dropped(old: Path, tmp_path: Path) -> None:
    file = find_legacy_file(str(old), busy_timeout_ms=0)
    assert file is not None
    with pytest.raises(LegacyFileError, match="not complete"):
        drop_legacy_tables(file, busy_timeout_ms=0)
    code, _, errors = run("migrate", "--into", tmp_path / "new.db", "--drop-legacy", old)
    assert code == 2
    assert "remove it yourself" in errors
    assert len(tables(old)) >= len(TEXT_KEYS)


def test_what_cannot_be_done_is_refused_in_one_sentence(old: Path, tmp_path: Path) -> None:
    foreign(tmp_path / "theirs.db")
    before = snapshot(old)
    for arguments, sentence in (
        (["--into", old, old], "is the old file itself"),
        (["--into", tmp_path / "theirs.db", old], "of another program"),
        (["--timezone", "Mars", old], "there is no timezone 'Mars'"),
        (["--into", tmp_path / "new.db", tmp_path / "theirs.db"], "holds no attribute rows"),
        (["--drop-legacy", tmp_path / "nothing.db"], "holds no attribute rows"),
    ):
        code, printed, errors = run("migrate", *arguments)
        assert (code, printed) == (2, "")
        assert sentence in errors
        assert errors.count("\n") == 1
    assert snapshot(old) == before


def test_old_views_and_triggers_give_way_and_their_text_is_kept(old: Path) -> None:
    text = "CREATE VIEW calls AS SELECT * FROM llm_interactions"
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(text)
        connection.execute("CREATE VIEW links AS SELECT 1 AS one")
        connection.commit()
    migrate(old)
    position = next(stage.position for stage in find(old, None) if stage.name == "schema")
    assert position["dropped"]["calls"] == text
    assert read(old, "SELECT count(*) FROM links") == [(0,)]


def test_tables_that_are_no_part_of_the_layout_are_named_and_left(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    code, printed, _ = run("migrate", old)
    assert code == 0
    assert "unchanged: alembic_version" in printed
    assert "alembic_version" in tables(old)
