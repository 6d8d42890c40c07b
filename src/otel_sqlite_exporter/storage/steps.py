# SPDX-License-Identifier: Apache-2.0
"""The steps of this package, and how they are applied to a file.

The first makes the tables of a new file from `sql/tables`. Each later one is a file `sql/migrations/NNNN_name.sql`,
frozen once released; its first line is `-- quick` where it only adds what costs no time on a large file. Each step is
one transaction together with the file's new version; one that goes over a large table does so in batches, and goes on
where it stopped: see `long_steps`. Views and triggers are not part of a step: see `views`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.errors import MigrationFailedError
from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.storage.identity import APPLICATION_ID, FIRST_VERSION, check_version
from otel_sqlite_exporter.storage.long_steps import LongStep, parse_long_step, run_batch, run_statements
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.storage.views import NO_VIEWS, Views, create_views, drop_views, load_views, read_view_number
from otel_sqlite_exporter.version import __version__

_COUNTED_TABLES = ("_sessions", "_traces", "_spans", "_events", "_links", "_llm_interactions", "_tool_interactions")


OnProgress = Callable[[str, int, int], None]
"""Called after each batch of a long step with its name, how many rows are done, and of how many."""


class Migration(NamedTuple):
    """One step to schema version `version`."""

    version: int
    name: str
    sql: str

    @property
    def long_step(self) -> LongStep | None:
        """Its parts, where it goes in batches: the exporter never applies it, whatever `auto_migrate` says."""
        return parse_long_step(self.sql)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, as it is noted in the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def is_quick(self) -> bool:
        """Whether the exporter may apply the step by itself under `auto_migrate=safe`."""
        return self.version == FIRST_VERSION or self.sql.startswith("-- quick")


@cache
def load_migrations() -> tuple[Migration, ...]:
    """Return every step of this package, the oldest first: the one that makes the tables of a new file, and those that
    were added since."""
    tables = "\n".join(text for _, text in read_folder("tables"))
    added = (Migration(int(name[:4]), name[5:], text) for name, text in read_folder("migrations"))
    return (Migration(FIRST_VERSION, "tables", tables), *added)


def make_file(
    connection: sqlite3.Connection, steps: Sequence[Migration], views: Views | None = None
) -> tuple[Migration, ...]:
    """Apply all `steps` to a file that has no schema yet, in the caller's transaction, and return them; none where
    there is a schema. (In several transactions, another process would take the half made file for an older one.)

    Raises:
        MigrationFailedError: A step failed; the caller is to roll back.
    """
    if _read_version(connection):
        return ()
    views = load_views() if views is None else views
    for step in steps:
        with _failing(step, "no file was made"):
            _advance(connection, step, views if step is steps[-1] else None)
    return tuple(steps)


def apply_steps(
    connection: sqlite3.Connection,
    steps: Sequence[Migration],
    views: Views | None = None,
    on_progress: OnProgress = lambda name, done, of: None,
) -> tuple[Migration, ...]:
    """Apply `steps` in order, each in its own transaction, or in batches, and give the file `views`. Return the steps
    that were applied: one that another process applied in the meantime is skipped. A file without a schema is made.

    Raises:
        MigrationFailedError: A step failed and was rolled back.
        FileRefusedError: The file was made before 0.1.0.
    """
    views = load_views() if views is None else views
    with transaction(connection):
        check_version("the file", _read_version(connection))
        made = make_file(connection, steps, views)
    if made:
        return made
    applied = tuple(
        step for step in steps if _apply_step(connection, step, views if step is steps[-1] else None, on_progress)
    )
    _replace_old_views(connection, views)
    return applied


def _apply_step(connection: sqlite3.Connection, step: Migration, views: Views | None, on_progress: OnProgress) -> bool:
    while True:
        with _failing(step, f"the file is at version {step.version - 1}"), transaction(connection):
            if _read_version(connection) >= step.version:
                return False
            progress = _advance(connection, step, views)
        if progress is None:
            return True
        on_progress(step.name, *progress)


@contextlib.contextmanager
def _failing(step: Migration, state: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise MigrationFailedError(
            f"step {step.version} ({step.name}) failed and was rolled back, {state}: {error}"
        ) from error


def _advance(connection: sqlite3.Connection, step: Migration, views: Views | None) -> tuple[int, int] | None:
    """In the caller's transaction, do the next batch of a long step and return (last id that is done, greatest id); or
    complete the step, with `views` in place of those of the file (None: with these), and return None."""
    began, sql, long_step = time.monotonic(), step.sql, step.long_step
    if long_step is not None:
        progress = run_batch(connection, step.version, long_step)
        if progress is not None:
            return progress
        sql = long_step.then
    before = _count_rows(connection)
    old, others = drop_views(connection) if _read_version(connection) else (NO_VIEWS, ())
    run_statements(connection, sql)
    create_views(connection, old if views is None or old.number > views.number else views, others)
    _note_step(connection, step, began, before)
    return None


def _replace_old_views(connection: sqlite3.Connection, views: Views) -> None:
    try:
        with transaction(connection):
            if read_view_number(connection) < views.number:
                _, others = drop_views(connection)
                create_views(connection, views, others)
    except sqlite3.OperationalError as error:
        raise MigrationFailedError(f"the views could not be replaced, and stay as they were: {error}") from error


def _read_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _note_step(connection: sqlite3.Connection, step: Migration, began: float, before: dict[str, int]) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {step.version}")
    connection.execute(
        "INSERT INTO _migrations (version, name, checksum, applied_at, duration_ms, package_version, statistics)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            step.version,
            step.name,
            step.checksum,
            datetime.now(UTC).isoformat(),
            (time.monotonic() - began) * 1000,
            __version__,
            json.dumps({"rows_before": before, "rows_after": _count_rows(connection)}),
        ),
    )


def _count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in _COUNTED_TABLES
        if table in present
    }
