# SPDX-License-Identifier: Apache-2.0
"""Files: those that must be sound at the end, those that must be refused, and what a test compares to see that they
were not touched."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.writer import Writer


def settle(path: Path | str) -> None:
    """Bring in what writers of `path` have acknowledged and the file does not hold yet."""
    spool = Spool(spool_path(str(path)), limit_bytes=0)
    settings = resolve_settings(path, busy_timeout_ms=30_000)
    with closing(open_file(settings)) as connection:
        replay_spool(Writer(connection, settings), spool)
    assert spool.is_empty()


def check_file(file: sqlite3.Connection) -> None:
    """Fail unless SQLite finds the file sound, no reference leads nowhere, and every link has two sides."""
    assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert file.execute("PRAGMA foreign_key_check").fetchall() == []
    check_links(file)


def check_links(file: sqlite3.Connection) -> None:
    """Fail unless each linked record has a twin of the other phase that refers to it alone, in its trace or session."""
    one_sided = """
        SELECT a.id FROM events AS a LEFT JOIN events AS b ON b.id = a.related_event_id
        WHERE a.related_event_id IS NOT NULL
          AND (b.related_event_id IS NOT a.id OR a.phase = b.phase OR a.link_method IS NOT b.link_method)
    """
    assert file.execute(one_sided).fetchall() == []
    shared = "SELECT related_event_id FROM events WHERE related_event_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    assert file.execute(shared).fetchall() == []
    strangers = """
        SELECT a.id FROM events AS a JOIN events AS b ON b.id = a.related_event_id
        WHERE a.trace_id <> b.trace_id AND (a.session_id IS NULL OR a.session_id IS NOT b.session_id)
    """
    assert file.execute(strangers).fetchall() == []


def view_contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the views of calls, tools, agents, sessions and traces, without the ids of rows."""
    views = ("complete_llm_interactions", "complete_tool_interactions", "agent_tree", "sessions", "traces")
    found = {}
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
        for view in views:
            columns = [name for (name,) in file.execute("SELECT name FROM pragma_table_info(?)", (view,))]
            kept = ", ".join(f'"{name}"' for name in columns if name not in ("id", "start_id", "finish_id"))
            found[view] = sorted(file.execute(f"SELECT {kept} FROM {view}").fetchall(), key=repr)
    return found


def table_scans(plan: Sequence[str]) -> list[str]:
    """The steps of a query plan that scan a table: neither the values in a JSON text, nor what the query itself has
    gathered."""
    names = (
        *("up", "above", "down", "merged", "attribute", "recorded", "pieces", "texts", "found"),
        *("told", "told_step", "last_steps", "one", "errors", "same", "whole", "asked", "CONSTANT ROW"),
        *("was", "named", "summed"),  # of points
    )
    gathered = {f"SCAN {name}" for name in names}
    scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step and step not in gathered]
    # The rows of a window function, and those of VALUES.
    return [step for step in scans if not step.startswith("SCAN (subquery-") and not step.endswith(" CONSTANT ROWS")]


def snapshot(path: Path) -> dict[str, bytes]:
    """The names and bytes of everything in the folder of `path`. A -shm holds locks and no data: its bytes change when
    a file is read."""
    return {
        name: b"" if name.endswith("-shm") else (path.parent / name).read_bytes()
        for name in sorted(os.listdir(path.parent))
    }


def foreign_file(
    path: Path, journal_mode: str, *, application_id: int = 0, then: Callable[[], object] = lambda: None
) -> None:
    """Make another program's file; call `then` before it is closed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute("INSERT INTO theirs VALUES (1)")
        then()


def foreign(path: Path) -> None:
    foreign_file(path, "delete")


def foreign_wal(path: Path) -> None:
    foreign_file(path, "wal")


def foreign_application_id(path: Path) -> None:
    foreign_file(path, "wal", application_id=0x0F055112)


def foreign_leftover_wal(path: Path) -> None:
    """As the end of its program left it, with the -wal and the -shm beside it."""
    kept: dict[str, bytes] = {}
    foreign_file(path, "wal", then=lambda: kept.update(everything(path)))
    for name, content in kept.items():
        (path.parent / name).write_bytes(content)


def foreign_copied_wal(path: Path) -> None:
    """A copy of a file that was in use, without the -shm, after a checkpoint."""
    kept: dict[str, bytes] = {}

    def keep() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint")
            connection.execute("INSERT INTO theirs VALUES (2)")
            kept.update(everything(path))

    foreign_file(path, "wal", then=keep)
    for name, content in kept.items():
        if not name.endswith("-shm"):
            (path.parent / name).write_bytes(content)


def text_file(path: Path) -> None:
    path.write_text("not a database\n" * 1000)


def short_text_file(path: Path) -> None:
    path.write_text("xx")


FOREIGN: list[Callable[[Path], None]] = [
    foreign,
    foreign_wal,
    foreign_application_id,
    foreign_leftover_wal,
    foreign_copied_wal,
]
NOT_SQLITE: list[Callable[[Path], None]] = [text_file, short_text_file]


def everything(path: Path) -> dict[str, bytes]:
    return {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}


def truncated_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 8192 * 8192)


def garbage_header_file(path: Path) -> None:
    overwrite(path, 0, b"\xa5" * 100)


def garbage_page_file(path: Path) -> None:
    """The first page of the table `_spans` is garbage; the schema can be read."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = '_spans'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    overwrite(path, (page - 1) * size, b"\xa5" * size)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
