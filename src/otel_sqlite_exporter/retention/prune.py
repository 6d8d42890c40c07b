# SPDX-License-Identifier: Apache-2.0
"""`prune`: removes from a file what the rules name, also while others write, and gives the space back."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.retention.due_units import Reason
from otel_sqlite_exporter.retention.kept_units import KeptUnit, name_oldest
from otel_sqlite_exporter.retention.ledger import LedgerEntry
from otel_sqlite_exporter.retention.pruning import Pruning
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.system.file_space import count_pages, empty_log, give_back
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.orphans import sweep_orphans
from otel_sqlite_exporter.write.removal.removed_records import RemovedCounts


class PruneResult(NamedTuple):
    """What `prune` did.

    Attributes:
        run_id: The row of the view `deletions`; None: nothing was due.
        removed: The rows that are gone.
        file_bytes_before, file_bytes_after: The size of the file.
        excess_bytes: What the file holds beyond the cap, as nothing more can go.
        excess_sessions: The sessions beyond their number, as they stay.
        kept: Sessions, and traces without one, that stay though the rules name them: by why.
        oldest_kept: The oldest of these, five of each at most.
        seconds: How long it took.
    """

    run_id: str | None
    removed: RemovedCounts
    file_bytes_before: int
    file_bytes_after: int
    excess_bytes: int
    excess_sessions: int
    kept: Counter[Reason]
    oldest_kept: tuple[KeptUnit, ...]
    seconds: float


def prune(
    settings: Settings,
    rules: RetentionRules,
    *,
    progress: Callable[[int, int | None, str], None] = lambda done, of, note: None,
    tidy: Callable[[sqlite3.Connection], object] = lambda connection: None,
    rest: Callable[[float], None] = time.sleep,
) -> PruneResult:
    """Remove what is due, after a call of `tidy`. Each step holds the file for about 25 ms, and then rests as long.
    `progress` is called with the number of spans and log records that are gone, None, and what the file holds now. A
    run that was stopped left the file whole: run it again.

    Raises:
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error: It cannot be written now.
    """
    began = time.monotonic()
    with contextlib.closing(open_file(settings, must_exist=True)) as connection:
        tidy(connection)
        bytes_before = count_pages(connection).file_bytes
        entry = LedgerEntry("prune", rules.describe())
        pruning = Pruning(connection, settings, rules, entry)
        pruning.run(progress=progress, rest=rest)
        if any(pruning.removed):
            sweep_orphans(connection, rest)
        give_back(connection, rest)
        with transaction(connection):
            pruning.note_end()
        connection.execute("PRAGMA busy_timeout = 0")  # it waits for readers with the file locked
        empty_log(connection)
        after = count_pages(connection)
        excess = 0 if rules.max_bytes is None else max(0, after.used_bytes - rules.max_bytes)
        return PruneResult(
            entry.run_id if any(pruning.removed) else None,
            pruning.removed,
            bytes_before,
            after.file_bytes,
            excess,
            pruning.due.count_excess_sessions(connection),
            pruning.due.kept,
            name_oldest(connection, pruning.due),
            time.monotonic() - began,
        )
