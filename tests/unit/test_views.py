# SPDX-License-Identifier: Apache-2.0
"""Views and triggers in a file are replaced as `storage.views` promises, and what belongs to the user stays."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import MigrationFailedError, MigrationRequiredError
from otel_sqlite_exporter.storage.migrations import find_pending
from otel_sqlite_exporter.storage.steps import Migration
from otel_sqlite_exporter.storage.views import Views, load_views
from tests.commands import run
from tests.conftest import exporting, make_spans, read, span_names
from tests.file_checks import snapshot
from tests.upgrades import BROKEN, NEWEST, QUICK, SLOW, beside, migrate, prepare, version

OURS = load_views()
USERS = """
CREATE VIEW my_spans AS SELECT trace_id, name FROM spans;
CREATE TABLE my_log (name TEXT);
CREATE TRIGGER my_trigger AFTER INSERT ON _spans BEGIN INSERT INTO my_log VALUES (new.name); END;
CREATE TRIGGER my_delete INSTEAD OF DELETE ON Spans BEGIN INSERT INTO my_log VALUES ('deleted'); END;
"""


def with_views(*added: str, without: str = "?", number: int = OURS.number + 1) -> Views:
    """Our views as a later version may have them."""
    kept = (sql for sql in OURS.statements if not sql.startswith(f"CREATE VIEW {without} "))
    return Views(number, (*kept, *added))


def view(name: str, value: int) -> str:
    return f"CREATE VIEW {name} AS SELECT {value} AS value"


@pytest.fixture
def written(path: Path) -> Path:
    """A file of two spans, with things of its user in it."""
    with exporting(path) as exporter:
        exporter.export(make_spans("one", "two"))
    alter(path, USERS)
    return path


def alter(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def objects(path: Path) -> dict[str, str]:
    return dict(read(path, "SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"))


def test_a_file_notes_the_number_and_the_digests_of_its_views(path: Path) -> None:
    migrate(path)
    assert read(path, "SELECT value FROM _state WHERE name = 'views'") == [(OURS.number,)]
    ((digests,),) = read(path, "SELECT value FROM _state WHERE name = 'view digests'")
    texts = [sql.encode() for sql in objects(path).values()]
    assert sorted(digests.split()) == sorted(hashlib.sha256(text).hexdigest()[:16] for text in texts)


@pytest.mark.parametrize("auto_migrate", ["safe", "always"])
def test_an_exporter_replaces_older_views_without_a_backup(written: Path, auto_migrate: str) -> None:
    prepare(written, auto_migrate, views=with_views(view("added", 1), without="days"))
    assert read(written, "SELECT value FROM added") == [(1,)]
    assert "days" not in objects(written)
    assert beside(written) == []
    assert span_names(written) == ["one", "two"]


def test_migrate_replaces_older_views_and_says_so(written: Path) -> None:
    report = migrate(written, views=with_views(view("added", 1)))
    assert (report.applied, report.backup, report.replaced_views) == ((), None, True)
    assert read(written, "SELECT value FROM added") == [(1,)]
    assert migrate(written, views=with_views(view("added", 2))).replaced_views is False


def test_the_command_replaces_older_views(written: Path) -> None:
    alter(written, "UPDATE _state SET value = 0 WHERE name = 'views'; DROP VIEW days")
    hint = f"run `python -m otel_sqlite_exporter migrate {written}`"
    checked = f"{written} has schema version {NEWEST}, with older views: {hint}\n"
    assert run("migrate", "--check", written) == (1, checked, "")
    assert run("migrate", "--dry-run", written) == (0, f"would replace the views of {written}\n", "")
    assert "days" not in objects(written)
    done = f"replaced the views of {written}, which has schema version {NEWEST}\n"
    assert run("migrate", written) == (0, done, "")
    assert "days" in objects(written)
    assert run("migrate", "--check", written)[0] == 0


def test_readers_and_never_replace_nothing(written: Path) -> None:
    alter(written, "UPDATE _state SET value = 0 WHERE name = 'views'")
    before = snapshot(written)
    prepare(written, "never")
    assert [span.name for span in TelemetryDatabase(written).find_spans(newest_first=False)] == ["one", "two"]
    assert snapshot(written) == before
    with exporting(written, auto_migrate="never") as exporter:
        exporter.export(make_spans("three"))
    assert span_names(written) == ["one", "three", "two"]
    assert read(written, "SELECT value FROM _state WHERE name = 'views'") == [(0,)]


def test_a_lower_number_never_replaces_a_higher_one(written: Path) -> None:
    later = with_views(view("added", 1))
    migrate(written, views=later)
    before = objects(written)
    assert find_pending(str(written), busy_timeout_ms=0) == (NEWEST, (), False)
    assert migrate(written).replaced_views is False
    migrate(written, QUICK)
    assert objects(written) == before
    assert read(written, "SELECT value FROM _state WHERE name = 'views'") == [(later.number,)]


def test_an_upgrade_writes_the_views_of_the_package(written: Path) -> None:
    alter(written, "DROP VIEW days")
    migrate(written, QUICK)
    assert "days" in objects(written)


def test_what_belongs_to_the_user_stays_and_works(written: Path) -> None:
    theirs = {name: sql for name, sql in objects(written).items() if name.startswith("my_")}
    assert len(theirs) == 3
    migrate(written, views=with_views(without="days"))
    assert theirs.items() <= objects(written).items()
    alter(written, "DELETE FROM spans")
    with exporting(written, auto_migrate="never") as exporter:
        exporter.export(make_spans("three"))
    assert read(written, "SELECT name FROM my_log") == [("deleted",), ("deleted",), ("three",)]
    assert read(written, "SELECT count(*) FROM my_spans") == [(3,)]


@pytest.mark.parametrize("steps", [(), (QUICK,)], ids=["views alone", "with a step"])
def test_a_name_that_the_user_has_taken_is_named_and_nothing_changes(written: Path, steps: tuple[object, ...]) -> None:
    before = objects(written)
    with pytest.raises(MigrationFailedError, match="my_spans already exists"):
        migrate(written, *(QUICK,) * len(steps), views=with_views(view("my_spans", 1)))
    assert objects(written) == before
    assert find_pending(str(written), busy_timeout_ms=0) == (NEWEST, (), False)


def test_until_the_last_step_is_done_a_file_keeps_its_views(written: Path) -> None:
    before = objects(written)
    with pytest.raises(MigrationFailedError, match="no such table: _nothing"):
        migrate(written, QUICK, BROKEN, views=with_views(view("added", 1)))
    assert read(written, "PRAGMA user_version") == [(QUICK.version,)]
    assert objects(written) == before


def test_a_step_may_remove_a_column_that_views_name(written: Path) -> None:
    sql = "ALTER TABLE _agents DROP COLUMN last_seen_unix_nano;\n"
    migrate(written, QUICK._replace(sql=sql), views=with_views(without="agents"))
    assert span_names(written) == ["one", "two"]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE _spans ADD COLUMN note TEXT",
        "ALTER TABLE _logs RENAME COLUMN body TO text; ALTER TABLE _logs RENAME COLUMN text TO body",
        "CREATE TABLE _notes (a TEXT, b TEXT) STRICT; ALTER TABLE _notes DROP COLUMN b",
        "ALTER TABLE _spans RENAME TO _old_spans; ALTER TABLE _old_spans RENAME TO _spans",
    ],
    ids=["add", "rename a column", "drop", "rename a table"],
)
def test_a_step_passes_what_the_user_made_of_our_views(written: Path, sql: str) -> None:
    alter(
        written,
        """
        CREATE VIEW "my; ""own"" one" AS SELECT name FROM my_spans;
        CREATE TRIGGER "my use" AFTER INSERT ON my_log
        BEGIN UPDATE my_log SET name = name || (SELECT count(*) FROM spans); END;
        CREATE TRIGGER my_insert INSTEAD OF INSERT ON "my; ""own"" one" BEGIN INSERT INTO my_log VALUES (new.name); END;
        """,
    )
    theirs = {name: text for name, text in objects(written).items() if name.startswith("my")}
    assert len(theirs) == 6
    migrate(written, QUICK._replace(sql="".join(f"{one.strip()};\n" for one in sql.split(";"))))
    assert theirs.items() <= objects(written).items()
    alter(written, """INSERT INTO "my; ""own"" one" VALUES ('mine ')""")
    assert read(written, "SELECT name FROM my_log") == [("mine 2",)]
    assert read(written, 'SELECT name FROM "my; ""own"" one" ORDER BY name') == [("one",), ("two",)]


@pytest.mark.parametrize("auto_migrate", ["safe", "always"])
@pytest.mark.parametrize("steps", [(), (QUICK,), (SLOW,)], ids=["views alone", "quick step", "slow step"])
def test_an_exporter_goes_on_with_older_views_where_the_user_has_taken_a_name(
    written: Path, auto_migrate: str, steps: tuple[Migration, ...], caplog: pytest.LogCaptureFixture
) -> None:
    if steps == (SLOW,) and auto_migrate == "safe":
        with pytest.raises(MigrationRequiredError):
            prepare(written, auto_migrate, *steps, views=with_views(view("my_spans", 1)))
        return
    before = objects(written)
    for _ in range(2):
        prepare(written, auto_migrate, *steps, views=with_views(view("my_spans", 1)))
    assert objects(written) == before
    assert version(written) == NEWEST + len(steps)
    (logged,) = caplog.messages
    hint = f"rename yours, then run `python -m otel_sqlite_exporter migrate {written}`"
    assert logged == f"{written} keeps its older views (view my_spans already exists): {hint}"
    if not steps:
        with exporting(written) as exporter:
            assert exporter.export(make_spans("three")) is SpanExportResult.SUCCESS
        assert len(span_names(written)) == 3


@pytest.mark.parametrize("made", ["VIEW days AS SELECT 'mine' AS x", "TABLE days (x)", "VIEW Days AS SELECT 1"])
def test_a_view_of_ours_that_the_user_has_replaced_stays(
    written: Path, made: str, caplog: pytest.LogCaptureFixture
) -> None:
    alter(written, f"DROP VIEW days; CREATE {made}")
    before = read(written, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    with pytest.raises(MigrationFailedError, match=r"(?i)days already exists"):
        migrate(written, views=with_views())
    prepare(written, "safe", views=with_views())
    assert "days already exists" in caplog.text.lower()
    assert read(written, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name") == before
    alter(written, f"DROP {made[:5].strip()} days")
    assert migrate(written, views=with_views()).replaced_views


@pytest.mark.parametrize("name", ["views", "view digests"])
@pytest.mark.parametrize("value", ["'abc'", "'1.5'", "1.5", "''", "x'ff'", "'[1]'", "'{}'", f"'{10**20}'", None])
def test_a_note_that_somebody_changed_keeps_nobody_from_writing(written: Path, name: str, value: str | None) -> None:
    change = f"UPDATE _state SET value = {value}" if value else "DELETE FROM _state"
    alter(written, f"{change} WHERE name = '{name}'")
    with exporting(written) as exporter:
        assert exporter.export(make_spans("three")) is SpanExportResult.SUCCESS
    assert len(span_names(written)) == 3
    prepare(written, "safe", QUICK, views=with_views(view("added", 1)))
    assert version(written) == QUICK.version
    assert span_names(written) == ["one", "three", "two"]
