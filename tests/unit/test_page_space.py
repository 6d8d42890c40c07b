# SPDX-License-Identifier: Apache-2.0
"""Free space of a database file, and texts in all their forms."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.maintain.deletion.page_space import DatabasePages
from otel_sqlite_exporter.maintain.deletion.text_forms import TextForms
from otel_sqlite_exporter.storage.system.raw_bytes import open_raw

PAGE_SIZES = (512, 4096, 65536)


def tokens(chance: random.Random) -> Iterator[str]:
    while True:
        yield f"<{chance.getrandbits(64):016x}>"


@pytest.mark.parametrize("page_bytes", PAGE_SIZES)
@pytest.mark.parametrize("auto_vacuum", ["NONE", "INCREMENTAL"])
def test_free_space_has_what_was_freed_and_nothing_that_is_in_use(
    path: Path, page_bytes: int, auto_vacuum: str
) -> None:
    """Rows of every size, in tables and indexes, some removed and some replaced."""
    chance = random.Random(page_bytes)
    names = tokens(chance)
    gone: set[str] = set()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA secure_delete = OFF")
        file.execute(f"PRAGMA page_size = {page_bytes}")
        file.execute(f"PRAGMA auto_vacuum = {auto_vacuum}")
        file.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, text)")
        file.execute("CREATE TABLE two (text PRIMARY KEY) WITHOUT ROWID")
        for table in ("one", "two"):
            rows = []
            for name in (next(names) for _ in range(80)):
                rows.append(chance.choice(("", "x" * chance.randrange(3 * page_bytes))) + name)
            file.executemany(f"INSERT INTO {table} (text) VALUES (?)", [(row,) for row in rows])
            for row in chance.sample(rows, 32):
                file.execute(f"DELETE FROM {table} WHERE text = ?", (row,))
                gone.add(row[-18:])
        kept = [file.execute(f"SELECT text FROM {table} ORDER BY 1").fetchall() for table in ("one", "two")]
    # What is free may be overwritten: all rows stay, and nothing that is gone is left.
    content = bytearray(path.read_bytes())
    assert len([name for name in gone if name.encode() in content]) > 10
    with open_raw(str(path), is_database=True) as opened:
        for free in DatabasePages(opened).find_free():
            place = (free.page - 1) * page_bytes + free.start
            assert content[place : place + len(free.content)] == free.content
            content[place : place + len(free.content)] = bytes(len(free.content))
    assert [name for name in gone if name.encode() in content] == []
    other = path.with_name("other.db")
    other.write_bytes(content)
    with closing(sqlite3.connect(other)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert kept == [file.execute(f"SELECT text FROM {table} ORDER BY 1").fetchall() for table in ("one", "two")]


@given(text=st.text(min_size=1, max_size=12), levels=st.integers(0, 3), is_ascii=st.booleans(), data=st.data())
def test_a_text_is_found_however_json_escapes_it(text: str, levels: int, is_ascii: bool, data: st.DataObject) -> None:
    held = text
    for _ in range(levels):
        held = json.dumps({"key": held}, ensure_ascii=is_ascii)
        if data.draw(st.booleans()):
            held = held.replace("/", "\\/")
    around = b"\x00\xff" + held.encode("utf-8", "surrogatepass") + b"\xff\x00"
    assert next(TextForms(text).find(around), None) is not None


@given(text=st.text("ab\u00e9", min_size=4, max_size=8), other=st.text("ab\u00e9", min_size=4, max_size=8))
def test_another_text_is_not_found(text: str, other: str) -> None:
    assert (TextForms(text).count(other.encode(), with_wide=False) > 0) is (text in other)
    assert (TextForms(text).count(json.dumps(other).encode(), with_wide=False) > 0) is (text in other)
    assert (TextForms(text).count(other.encode("utf-16-le")) > 0) is (text in other)
