# SPDX-License-Identifier: Apache-2.0
"""One exporter in one process, and its counts: a row of `_exporter_runs`."""

from __future__ import annotations

import sqlite3
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from otel_sqlite_exporter.genai.rule_digests import RuleDigests, digest_rules
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.system.process import ProcessIdentity, identify_process
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.version import __version__
from otel_sqlite_exporter.write.statements import Insert, TableRows

_SUMS = (
    "batches",
    "received",
    "written",
    "duplicate",
    "repaired",
    "quarantined",
    "refused",
    "points",
    "opened",
    "replayed",
)
# Counted by the process while it cannot reach the file, which takes over the greatest number that it gets.
_TOTALS = ("spooled", "dropped", "retries")
_RULES = ("package_version", "rules", "rule_settings")
_IDENTITY = ("run_id", "signal", *ProcessIdentity._fields, *_RULES, "start_time_unix_nano")
_RUNS = Insert(
    "_exporter_runs",
    (*_IDENTITY, "last_write_unix_nano", "lag_ms", *_SUMS, *_TOTALS),
    key="run_id",
    update={
        "last_write_unix_nano": "max(last_write_unix_nano, excluded.last_write_unix_nano)",
        "lag_ms": "coalesce(excluded.lag_ms, lag_ms)",
        **{column: f"{column} + excluded.{column}" for column in _SUMS},
        **{column: f"max({column}, excluded.{column})" for column in _TOTALS},
    },
)
# A service that starts a process a minute has a thousand rows a day.
_MOST_RUNS, _KEPT_RUNS = 1_000, 500


@dataclass(slots=True)
class Run:
    """One exporter in one process. `spooled`, `dropped` and `retries` count since it began."""

    run_id: str
    signal: str
    process: ProcessIdentity
    package_version: str
    rules: RuleDigests
    start_time_unix_nano: int
    spooled: int = 0
    dropped: int = 0
    retries: int = 0

    @classmethod
    def begin(cls, signal: str, settings: Settings) -> Run:
        """Return a new run of this process; `signal` is `traces`, `logs`, `metrics`, `import` or `receive`."""
        rules = digest_rules(settings)
        return cls(uuid.uuid4().hex, signal, identify_process(), __version__, rules, time.time_ns())

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> Run:
        """Return the run that `dump` returned, also from another version of the package."""
        fields = {name: dumped[name] for name in cls.__dataclass_fields__ if name in dumped}
        rules = RuleDigests(*dumped.get("rules", ("", "")))
        return cls(**{**fields, "process": ProcessIdentity(*dumped["process"]), "rules": rules})

    def dump(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {**asdict(self), "process": list(self.process), "rules": list(self.rules)}


@dataclass(slots=True)
class Counts:
    """What became of the records of one batch. `points` are the data points among the written ones; `earliest_end` is
    in nanoseconds since the epoch."""

    batches: int = 1
    received: int = 0
    written: int = 0
    duplicate: int = 0
    repaired: int = 0
    quarantined: int = 0
    refused: int = 0
    points: int = 0
    opened: int = 0
    replayed: int = 0
    earliest_end: int | None = None


def write_run(connection: sqlite3.Connection, run: Run, counts: Counts, now_unix_nano: int) -> None:
    """Add `counts` to the row of `run`, which is made if there is none. `now_unix_nano` is when the process wrote.
    Imported records are old, so they are left out of the time that records wait to be written (`lag_ms`)."""
    lag_ms = None
    if counts.earliest_end is not None and run.signal != "import":
        lag_ms = max(0, now_unix_nano - counts.earliest_end) / 1e6
    identity = (run.run_id, run.signal, *run.process, run.package_version, *run.rules, run.start_time_unix_nano)
    sums = (getattr(counts, column) for column in _SUMS)
    totals = (getattr(run, column) for column in _TOTALS)
    rows = TableRows(_RUNS)
    rows.add((*identity, now_unix_nano, lag_ms, *sums, *totals))
    rows.write(connection)


def fold_runs(connection: sqlite3.Connection, *, most: int = _MOST_RUNS, kept: int = _KEPT_RUNS) -> None:
    """Where the file has more than `most` runs, add all but the newest `kept` of those that lost nothing into one row.

    Raises:
        sqlite3.Error: The file cannot be written now; it is unchanged.
    """
    if connection.execute("SELECT count(*) FROM _exporter_runs").fetchone()[0] <= most:
        return
    with transaction(connection):
        for statement in split_statements(read_query("fold_runs")):
            connection.execute(statement, {"kept": kept})
