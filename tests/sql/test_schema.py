# SPDX-License-Identifier: Apache-2.0
"""The SQL in the package agrees with itself: migrations with schema.sql and views/, and with what was released."""

from __future__ import annotations

import json
import re
import runpy
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.storage.identity import APPLICATION_ID
from otel_sqlite_exporter.storage.migrations import load_migrations, migrate, split_statements
from tests.conftest import ROOT, read

SOURCE = ROOT / "src/otel_sqlite_exporter"
GENERATOR = runpy.run_path(str(ROOT / "tools/generate_schema.py"))
RELEASED = Path(__file__).with_name("released_migrations.json")
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
VIEWS = dict(read_folder("views"))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "otel.db"
    migrate(str(path), busy_timeout_ms=5_000)
    return path


def test_schema_sql_is_what_all_migrations_make() -> None:
    assert (SOURCE / "sql/schema.sql").read_text() == GENERATOR["render_schema"](), "run `make schema`"


def test_schema_sql_makes_the_same_file(migrated: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((SOURCE / "sql/schema.sql").read_text())
        assert connection.execute(SCHEMA).fetchall() == read(migrated, SCHEMA)
        for pragma in ("application_id", "user_version"):
            assert connection.execute(f"PRAGMA {pragma}").fetchall() == read(migrated, f"PRAGMA {pragma}")


def test_a_file_says_that_it_is_ours_and_of_which_version(migrated: Path) -> None:
    assert read(migrated, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert APPLICATION_ID.to_bytes(4, "big") == b"otel"
    assert read(migrated, "PRAGMA user_version") == [(load_migrations()[-1].version,)]


def test_every_view_is_as_its_file_holds_it(migrated: Path) -> None:
    views = dict(read(migrated, "SELECT name, sql || ';' FROM sqlite_schema WHERE type = 'view'"))
    assert views == {name: text.strip() for name, text in VIEWS.items()}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_says_in_the_file_what_a_row_is(view: str) -> None:
    assert re.match(rf"CREATE VIEW {view} AS\n-- One row", VIEWS[view])


def test_every_table_is_strict_private_and_has_an_integer_key(migrated: Path) -> None:
    tables = read(migrated, "SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    ours = [table for table in tables if table[0] != "sqlite_schema"]
    assert len(ours) >= 10
    for name, strict, without_rowid in ours:
        assert (name[0], strict, without_rowid) == ("_", 1, 0)
        keys = read(migrated, "SELECT type FROM pragma_table_info(?) WHERE pk > 0", name)
        assert keys == [("INTEGER",)]


def test_a_reference_to_its_own_table_is_indexed(migrated: Path) -> None:
    """Else every row that is written scans the table."""
    references = read(
        migrated,
        """
        SELECT t.name, f."from" FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f
        WHERE f."table" = t.name""",
    )
    indexed = read(
        migrated,
        """
        SELECT t.name, c.name
        FROM pragma_table_list AS t, pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c
        WHERE c.seqno = 0 AND NOT i.partial""",
    )
    assert ("_events", "related_event") in references
    assert {*references} <= {*indexed}


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [step.version for step in load_migrations()] == list(range(1, len(load_migrations()) + 1))


def test_released_migrations_are_frozen() -> None:
    checksums = {f"{step.version:04}_{step.name}": step.checksum for step in load_migrations()}
    released = json.loads(RELEASED.read_text())
    changed = [name for name in released if checksums.get(name) != released[name]]
    assert not changed, (
        f"released migrations must never change, as files out there hold them: restore {changed} and add a step"
    )
    added = {name: checksums[name] for name in checksums if name not in released}
    assert not added, f"freeze the new steps: add {json.dumps(added)} to {RELEASED.name}"


def test_attributes_of_spans_are_read_whole() -> None:
    """What calls repeat is not in `_spans.attributes`, but in texts that they share."""
    for folder in ("queries", "views", "reports"):
        for name, text in read_folder(folder):
            if name == "_whole_attributes":
                continue
            for alias in set(re.findall(r"\b_spans AS (\w+)", text)):
                whole = (
                    f"iif({alias}.texts IS NULL, {alias}.attributes, "
                    f"(SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = {alias}.id))"
                )
                # Keys are never shared, so whether there is one may be asked of what is stored.
                rest = re.sub(rf"instr\({alias}\.attributes, '\"[\w.]+\":'\)", "", text.replace(whole, ""))
                assert f"{alias}.attributes" not in rest, f"{folder}/{name}.sql: read {whole}"


def test_every_statement_of_a_migration_is_whole() -> None:
    for step in load_migrations():
        assert all(map(sqlite3.complete_statement, split_statements(step.sql)))


def test_every_query_is_used_and_every_query_used_exists() -> None:
    code = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))
    named = set(re.findall(r"\"([a-z]+(?:_[a-z]+)+)\"", code))
    assert {name for name, _ in read_folder("queries")} <= named
    read_by_name = set(re.findall(r"read_query\(\"(\w+)\"\)", code))
    assert read_by_name <= {name for name, _ in read_folder("queries")}
