# SPDX-License-Identifier: Apache-2.0
"""`delete --verify`: a text is found wherever a file and what stands beside it hold it, and nowhere after `delete`."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.maintain import search_index
from tests.commands import run
from tests.conftest import exporting, make_spans, read
from tests.file_checks import check_file

SECRET = 'nobody may read "this" secret of Gr\u00fc\u00dfe \U0001f511'
ESCAPED = json.dumps(SECRET)[1:-1]
LOOK = SECRET.encode(), ESCAPED.encode(), ESCAPED.upper().encode(), SECRET.encode("utf-16-le")


def fill(path: Path, *, text: str = SECRET) -> None:
    """A file with a session that holds the secret, and one that does not."""
    with exporting(path) as exporter:
        for session in ("gone-session", "kept-session"):
            said = text if session == "gone-session" else "harmless"
            chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "session.id": session}
            messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": said}]}])
            for number in range(3):
                more = {"gen_ai.input.messages": messages, "note": said}
                exporter.export(make_spans(f"chat {number}", attributes=chat | more))


def write(path: Path, *statements: str, parameters: tuple[Any, ...] = ()) -> None:
    """Run statements as another program would, which overwrites nothing that it deletes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA secure_delete = OFF")
        for statement in statements:
            file.execute(statement, parameters if "?" in statement else ())


def verify(path: Path, *texts: str) -> tuple[int, dict[str, set[str]]]:
    """The exit code, and the places in which each file has one of the texts."""
    texts = texts or (SECRET,)
    code, output, error = run("delete", path, *(part for text in texts for part in ("--verify", text)), "--json")
    assert error == ""
    found: dict[str, set[str]] = {}
    for left in json.loads(output)["left"]:
        found.setdefault(os.path.basename(left["path"]), set()).add(left["place"])
    return code, found


def delete_session(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    code, output, error = run("delete", path, "--session", "gone-session", "--yes", "--json", *options)
    assert error == ""
    return code, json.loads(output)


def check_gone(path: Path) -> None:
    """No byte of the folder holds the secret."""
    for file in path.parent.iterdir():
        content = file.read_bytes()
        assert not [form for form in LOOK if form in content], file
    with closing(sqlite3.connect(path)) as connection:
        check_file(connection)


def plant_overflow(path: Path) -> None:
    write(
        path,
        "CREATE TABLE own (text)",
        "INSERT INTO own VALUES (?)",
        "DELETE FROM own",
        "DROP TABLE own",
        parameters=("x" * 50_000 + SECRET + "y" * 50_000,),
    )


def plant_cut(path: Path) -> None:
    """A secret that stands on two free pages, in every place of the cut."""
    for start in range(4060, 4120, 3):
        write(
            path,
            "CREATE TABLE IF NOT EXISTS own (text)",
            "INSERT INTO own VALUES (?)",
            parameters=("x" * (start + 16380 * 2) + SECRET + "y" * 60_000,),
        )
    write(path, "DROP TABLE own")


def plant_within_page(path: Path) -> None:
    write(
        path,
        "CREATE TABLE own (id INTEGER PRIMARY KEY, text)",
        "INSERT INTO own VALUES (1, ?), (2, 'stays')",
        "DELETE FROM own WHERE id = 1",
        parameters=(SECRET,),
    )


def plant_quarantined(path: Path) -> None:
    content = json.dumps({"name": "'x'", "attributes": {"session.id": "gone-session", "note": SECRET}})
    row = "INSERT INTO _quarantine (digest, arrival_time_unix_nano, reason, content) VALUES ('d', 1, 'no id', ?)"
    write(path, row, parameters=(content,))


def plant_statistics(path: Path) -> None:
    write(path, "ANALYZE", "INSERT INTO sqlite_stat1 VALUES ('own', ?, '1 1')", parameters=(SECRET,))


def plant_index(path: Path) -> None:
    assert run("index", path)[0] == 0
    write(path, "UPDATE _search_documents SET interaction = NULL")


def plant_spool(path: Path) -> None:
    with exporting(path, busy_timeout_ms=0) as exporter, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        attributes = {"session.id": "gone-session", "note": SECRET}
        exporter.export(make_spans("waits", attributes=attributes))


PLACES: list[tuple[Callable[[Path], None], str, set[str]]] = [
    (plant_overflow, "otel.db", {"free space"}),
    (plant_cut, "otel.db", {"free space"}),
    (plant_within_page, "otel.db", {"free space"}),
    (plant_quarantined, "otel.db", {"_quarantine.content"}),
    (plant_statistics, "otel.db", {"sqlite_stat1.idx"}),
    (plant_index, "otel.db", {"search index"}),
    (plant_spool, "otel.db-spool", {"content"}),
]


@pytest.mark.parametrize(("plant", "name", "places"), PLACES, ids=[plant.__name__ for plant, *_ in PLACES])
def test_a_text_is_found_in_each_place_and_gone_from_it(
    path: Path, plant: Callable[[Path], None], name: str, places: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "_SETTLED_NS", 0)
    fill(path)
    plant(path)
    code, found = verify(path)
    assert code == 1
    assert found[name] >= places
    assert "_spans.attributes" in found["otel.db"]
    code, report = delete_session(path, "--verify", SECRET)
    assert (code, report["verification"]["left"]) == (0, [])
    assert report["has_new_index"] is (plant is plant_index)
    check_gone(path)
    assert read(path, "SELECT session_id, spans FROM sessions") == [("kept-session", 3)]


def test_a_text_in_the_log_is_found_and_gone(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as file:  # keeps the log
        file.execute("SELECT 1 FROM spans").fetchall()
        write(path, "PRAGMA wal_checkpoint(TRUNCATE)", "UPDATE _spans SET name = ?", parameters=(SECRET,))
        code, found = verify(path)
        assert (code, found["otel.db-wal"]) == (1, {"content"})
        write(path, "UPDATE _spans SET name = 'chat'")
        code, report = delete_session(path, "--verify", SECRET)
        assert (code, report["verification"]["left"]) == (0, [])
        check_gone(path)


def test_a_text_in_attributes_that_share_texts_is_found(path: Path) -> None:
    """Where a shared text ends in the middle of it, no row holds it whole."""
    fill(path)
    (half, rest) = SECRET[:12], SECRET[12:]
    write(path, "INSERT INTO _texts (id, text) VALUES (77, ?)", parameters=(f'{{"a":"{half}',))
    own = f'{rest.replace(chr(34), chr(92) + chr(34))}"}}'
    write(path, f"UPDATE _spans SET texts = '[[1,0,[77]],[1,{len(own)},[]]]', attributes = ?", parameters=(own,))
    code, found = verify(path)
    assert (code, found["otel.db"] & {"_spans.attributes"}) == (1, {"_spans.attributes"})


def test_a_table_of_the_user_is_named_and_stays(path: Path) -> None:
    fill(path)
    write(path, "CREATE TABLE mine (x INTEGER, y BLOB)", "INSERT INTO mine VALUES (1, ?)", parameters=(ESCAPED,))
    write(path, "CREATE VIRTUAL TABLE words USING fts5(t)", "INSERT INTO words VALUES (?)", parameters=(SECRET,))
    code, report = delete_session(path, "--verify", SECRET)
    places = {left["place"] for left in report["verification"]["left"]}
    assert (code, places) == (1, {"mine.y", "words", "words_content.c0"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("otel.db-spool-bad", b"junk" + SECRET.encode()),
        ("otel.db-lost", ESCAPED.encode()),
        ("otel.db.old", SECRET.encode("utf-16-be")),
        ("otel.db-shm", b"\0" * 9 + SECRET.encode()),
    ],
)
def test_files_beside_are_looked_into(path: Path, name: str, content: bytes) -> None:
    fill(path, text="nothing")
    path.with_name(name).write_bytes(content)
    assert verify(path) == (1, {name: {"content"}})


def test_a_compressed_file_is_named(path: Path) -> None:
    fill(path, text="nothing")
    path.with_name("otel.db.gz").write_bytes(b"\x1f\x8b" + bytes(20))
    path.with_name("otel.dbx").write_text(SECRET)
    code, output, _ = run("delete", path, "--verify", SECRET)
    assert (code, output.splitlines()[0]) == (0, f"not looked into, as it is compressed: {path}.gz")


def test_backups_are_named_searched_and_deleted(path: Path) -> None:
    fill(path)
    backup = path.with_name("otel.db.v13-20260101T000000Z.bak")
    assert run("backup", path, "--to", backup)[0] == 0
    code, output, _ = run("delete", path, "--session", "gone-session", "--yes", "--verify", SECRET)
    assert code == 1
    assert f"the backup {backup} stays: it may hold what was deleted; --backups deletes it" in output
    assert f"{backup}: _spans.attributes" in output
    code, report = delete_session(path, "--backups", "--verify", SECRET)
    assert (code, report["removed_backups"], report["verification"]["left"]) == (1, [str(backup)], [])
    assert report["missing"] == [{"kind": "session", "name": "gone-session", "similar": None}]
    check_gone(path)


def test_forms_of_a_text(path: Path) -> None:
    """JSON escapes a text in many ways; each is the text."""
    fill(path, text="nothing")
    forms = [
        json.dumps({"a": json.dumps({"b": SECRET})}),
        json.dumps(SECRET.replace("/", "\\/")),
        "".join(f"\\u{int.from_bytes(pair):04X}" for pair in _units(SECRET)),
        json.dumps(SECRET, ensure_ascii=False),
    ]
    for number, form in enumerate(forms):
        name = path.with_name(f"otel.db.{number}")
        name.write_text(form, encoding="utf-8")
        assert verify(path) == (1, {name.name: {"content"}})
        name.unlink()
    path.with_name("otel.db.x").write_text(SECRET.replace("secret", "Secret"))
    assert verify(path) == (0, {})


def _units(text: str) -> list[bytes]:
    wide = text.encode("utf-16-be")
    return [wide[place : place + 2] for place in range(0, len(wide), 2)]


def test_a_short_text_is_refused(path: Path) -> None:
    fill(path)
    code, _, error = run("delete", path, "--verify", "abc")
    assert code == 2
    assert "a text of 4 bytes" in error


def test_a_reader_that_holds_the_log_is_named(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM spans").fetchall()
        code, output, _ = run(
            *("delete", path, "--session", "gone-session", "--yes"), OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="50"
        )
        assert code == 1
        assert "-wal could not be emptied: it may hold what was deleted" in output
        reader.execute("COMMIT")
    code, output, _ = run("delete", path, "--session", "gone-session", "--yes")
    assert (code, "it is gone already, or the id is wrong" in output, "emptied" in output) == (1, True, False)
    check_gone(path)


def test_texts_at_the_edges_of_what_is_read_at_once(path: Path) -> None:
    fill(path, text="nothing")
    name, edge = path.with_name("otel.db.large"), 1 << 20
    name.write_bytes(b"x" * (edge - 10) + SECRET.encode() + b"y" * (edge - 40) + SECRET.encode() + b"z" * 1_000)
    code, output, _ = run("delete", path, "--verify", SECRET)
    assert (code, output) == (1, f"left: {SECRET!r} in {name}: content, 2 x\n")
