# SPDX-License-Identifier: Apache-2.0
"""The SQL in the package agrees with itself, with what a file holds, and with what was released."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.sql.texts import read_folder, split_statements
from otel_sqlite_exporter.storage.identity import APPLICATION_ID, FIRST_VERSION
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.storage.steps import Migration, load_migrations
from otel_sqlite_exporter.storage.views import VIEW_NUMBER
from tests.conftest import ROOT, read
from tests.upgrades import NEXT_STEP, RELEASED

SOURCE = ROOT / "src/otel_sqlite_exporter"
FROZEN = Path(__file__).with_name("frozen_steps.json")
VIEW_DIGESTS = Path(__file__).with_name("view_digests.json")
VIEWS = dict(read_folder("views"))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "otel.db"
    migrate(str(path), busy_timeout_ms=5_000)
    return path


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
    assert {name for name, _, without_rowid in ours if without_rowid} == {
        "_attribute_values",
        "_metric_points",
        "_exemplars",
    }
    for name, strict, without_rowid in ours:
        assert (name[0], strict) == ("_", 1)
        if without_rowid:
            continue
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
        JOIN sqlite_schema AS s ON s.name = i.name
        WHERE c.seqno = 0 AND (NOT i.partial OR s.sql LIKE '% WHERE ' || c.name || ' IS NOT NULL')""",
    )
    assert ("_events", "related_event") in references
    assert {*references} <= {*indexed}


@pytest.mark.parametrize("table", ["_events", "_spans"])
def test_what_refers_to_a_removed_record_is_found_by_index(migrated: Path, table: str) -> None:
    """SQLite takes an index of the rows that refer to something for one of all rows."""
    with closing(sqlite3.connect(migrated)) as file:
        file.execute("PRAGMA foreign_keys = ON")
        opcodes = [row[1] for row in file.execute(f"EXPLAIN DELETE FROM {table} WHERE id = 1")]
    assert ("FkCounter" in opcodes, "Rewind" in opcodes) == (True, False)


def test_steps_are_numbered_without_a_gap() -> None:
    versions = [step.version for step in load_migrations()]
    assert versions == list(range(FIRST_VERSION, FIRST_VERSION + len(versions)))


def find_unfrozen(steps: Sequence[Migration], frozen: Mapping[str, str]) -> str:
    """What is wrong with the steps: changed ones, new ones; empty if nothing is. The first is the text of the tables.
    Each has a file of its version, too: see `tests/frozen_files`."""
    checksums = {f"{step.version:04}_{step.name}": step.checksum for step in steps}
    changed = [name for name in frozen if checksums.get(name) != frozen[name]]
    if changed:
        return f"a released step must never change, as files hold it: restore {changed}, and add a step"
    added = {name: checksums[name] for name in checksums if name not in frozen}
    return f"freeze the new step: add {json.dumps(added)} to {FROZEN.name}" if added else ""


def test_released_steps_are_frozen() -> None:
    assert find_unfrozen(load_migrations(), json.loads(FROZEN.read_text())) == ""


def test_a_step_is_frozen_by_its_text() -> None:
    name = f"{NEXT_STEP.version:04}_{NEXT_STEP.name}"
    frozen = {name: hashlib.sha256(NEXT_STEP.sql.encode()).hexdigest()}
    released = json.loads(FROZEN.read_text())
    assert find_unfrozen((*RELEASED, NEXT_STEP), released | frozen) == ""
    assert (
        find_unfrozen((*RELEASED, NEXT_STEP), released)
        == f"freeze the new step: add {json.dumps(frozen)} to {FROZEN.name}"
    )
    changed = NEXT_STEP._replace(sql=f"{NEXT_STEP.sql}-- changed\n")
    for steps in ((*RELEASED, changed), RELEASED):
        assert f"restore {[name]}" in find_unfrozen(steps, released | frozen)


def test_a_changed_view_has_a_new_number() -> None:
    """Else files that were written before keep the old view."""
    texts = [(folder, *file) for folder in ("views", "triggers") for file in read_folder(folder)]
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    digests = json.loads(VIEW_DIGESTS.read_text())
    last = int(max(digests, key=int))
    if digests[str(last)] == digest:
        assert last == VIEW_NUMBER, f"VIEW_NUMBER in storage/views.py must be {last}"
        return
    wanted = f'add {{"{last + 1}": "{digest}"}} to {VIEW_DIGESTS.name}, and leave the older lines'
    pytest.fail(f"a view or trigger has changed: raise VIEW_NUMBER in storage/views.py to {last + 1}, and {wanted}")


def test_a_query_has_a_name_of_its_own() -> None:
    """`read_query` finds it by its name alone."""
    names = [name for name, _ in read_folder("queries")]
    assert len(names) == len(set(names))


def test_attributes_of_spans_are_read_whole() -> None:
    """What calls repeat is not in `_spans.attributes`, but in texts that they share."""
    for folder in ("queries", "views", "reports"):
        for name, text in read_folder(folder):
            if name in ("_whole_attributes", "_span_values"):  # which reads whole what may be shared
                continue
            for alias in set(re.findall(r"\b_spans AS (\w+)", text)):
                whole = (
                    f"iif({alias}.texts IS NULL, {alias}.attributes, "
                    f"(SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = {alias}.id))"
                )
                # Keys are never shared, so whether there is one, or a part of one, may be asked of what is stored.
                # So may be whether a value stands there that a key has by itself: only long arrays are shared.
                # GLOB skips to the first letter of a word: instr() takes twice the time.
                asked = rf"{alias}\.attributes GLOB '\*[\w.\":\[\]]+\*'|instr\({alias}\.attributes, needle\.value\)"
                rest = re.sub(asked, "", text.replace(whole, ""))
                assert f"{alias}.attributes" not in rest, f"{folder}/{name}.sql: read {whole}"


def test_every_statement_of_a_file_is_whole() -> None:
    for folder in ("tables", "views", "triggers", "migrations"):
        for name, text in read_folder(folder):
            assert all(map(sqlite3.complete_statement, split_statements(text))), f"{folder}/{name}.sql"


def test_tables_are_read_in_the_order_of_their_numbers() -> None:
    """A table comes after those that it refers to, so that a person can read them from top to bottom."""
    names = [name for name, _ in read_folder("tables")]
    assert [name[:3] for name in names] == [f"{number:02}_" for number in range(1, len(names) + 1)]
    known: set[str] = set()
    for statement in split_statements("\n".join(text for _, text in read_folder("tables"))):
        created = re.search(r"^CREATE TABLE (\w+)", statement, re.MULTILINE)
        if created is not None:
            known.add(created[1])
            assert set(re.findall(r"REFERENCES (\w+)", statement)) <= known, created[1]


def test_every_index_stands_with_its_table_and_says_what_it_is_for() -> None:
    table = None
    for statement in split_statements("\n".join(text for _, text in read_folder("tables"))):
        created = re.search(r"^CREATE (TABLE|(?:UNIQUE )?INDEX) (\w+)(?: ON (\w+))?", statement, re.MULTILINE)
        assert created is not None
        if created[1] == "TABLE":
            table = created[2]
        else:
            assert created[3] == table
            assert created[2].startswith(f"{table}_")
            assert statement.startswith("-- ")


def test_every_query_is_used_and_every_query_used_exists() -> None:
    code = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))
    named = set(re.findall(r"\"([a-z]+(?:_[a-z]+)+)\"", code))
    assert {name for name, _ in read_folder("queries")} <= named
    read_by_name = set(re.findall(r"read_query\(\"(\w+)\"\)", code))
    assert read_by_name <= {name for name, _ in read_folder("queries")}


@pytest.mark.parametrize("table", ["_spans", "_events", "_llm_interactions", "_tool_interactions"])
def test_no_trigger_follows_an_insert(migrated: Path, table: str) -> None:
    """Else SQLite copies the rows of a batch to a temporary table, and writes them from there."""
    found = read(
        migrated, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE ?", f"% INSERT ON {table}%"
    )
    assert found == [(0,)]
