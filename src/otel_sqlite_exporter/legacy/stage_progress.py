# SPDX-License-Identifier: Apache-2.0
"""How far the migration of an attribute-row file has come. Each transaction of a stage also notes what it has done: so
after a kill at any moment the migration goes on where it stood, and does nothing twice."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import LegacyCheckError
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.statements import run_script


class StageStep(NamedTuple):
    """One transaction of a stage: `write` is called in it, and `position` is noted. `rows` of the old file were read
    for it; `seconds` were spent on it before the stage began."""

    write: Callable[[], object]
    position: Any
    rows: int = 0
    seconds: float = 0


class Stage(NamedTuple):
    """A stage as it is noted: its last position, whether it is done, its seconds, and its counts."""

    name: str
    position: Any
    is_done: bool
    seconds: float
    counts: Counter[str]


class StageProgress:
    """The stages of one migration. `counts` are those of the stage that runs."""

    def __init__(self, connection: sqlite3.Connection, source: str, on_progress: Callable[[str, int], None]) -> None:
        """Create the table of stages if the file has none. `source` is the digest of the old file; `on_progress` is
        called after each step with the stage and the rows that were read."""
        self.counts: Counter[str] = Counter()
        self._connection = connection
        self._source = source
        self._on_progress = on_progress
        with transaction(connection):
            run_script(connection, "create_legacy_stages")

    def run(
        self,
        name: str,
        make_steps: Callable[[Any], Iterable[StageStep]] = lambda position: (),
        check: Callable[[], Sequence[str]] = tuple,
    ) -> Counter[str]:
        """Do the rest of a stage: the steps that `make_steps` makes after the noted position (None: all), each in a
        transaction; then `check`, in the transaction that notes the stage as done. Return the counts of the stage.

        Raises:
            LegacyCheckError: `check` found that the old file and the new one differ.
            sqlite3.Error: A file cannot be read or written; the stage stands where it stood.
        """
        stage = next((stage for stage in read_stages(self._connection, self._source) if stage.name == name), None)
        if stage is not None and stage.is_done:
            return stage.counts
        self.counts.clear()
        self.counts.update(stage.counts if stage else {})
        seconds, position = (stage.seconds, stage.position) if stage else (0.0, None)
        began = time.monotonic()
        for step in make_steps(position):
            position = step.position
            seconds += step.seconds
            with transaction(self._connection):
                step.write()
                self._note(name, position, False, seconds + time.monotonic() - began)
            self._on_progress(name, step.rows)
        with transaction(self._connection):
            differences = check()
            if not differences:
                self._note(name, position, True, seconds + time.monotonic() - began)
        if differences:
            raise LegacyCheckError(
                f"the migration stopped in stage {name!r}, as the old file and the new one differ: "
                f"{'; '.join(differences)}"
            )
        return self.counts.copy()

    def _note(self, stage: str, position: Any, is_done: bool, seconds: float) -> None:
        values = {
            "source": self._source,
            "stage": stage,
            "position": orjson.dumps(position).decode(),
            "is_done": int(is_done),
            "seconds": seconds,
            "counts": orjson.dumps(self.counts).decode(),
        }
        self._connection.execute(read_query("note_legacy_stage"), values)


def read_stages(connection: sqlite3.Connection, source: str) -> list[Stage]:
    """Return the stages that are noted for the old file with the digest `source`."""
    found = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = '_legacy_stages'").fetchone()
    if not found[0]:
        return []
    rows = connection.execute(
        "SELECT stage, position, is_done, seconds, counts FROM _legacy_stages WHERE source = ? ORDER BY id", (source,)
    )
    return [
        Stage(name, orjson.loads(position), bool(is_done), seconds, Counter(orjson.loads(counts)))
        for name, position, is_done, seconds, counts in rows
    ]
