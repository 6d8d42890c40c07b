# SPDX-License-Identifier: Apache-2.0
"""Archives a file, and removes from it what is archived."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from otel_sqlite_exporter.archive.archiving.archive_run import ArchiveResult, OnProgress, opening
from otel_sqlite_exporter.archive.archiving.archived_limit import ArchivedLimit
from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS
from otel_sqlite_exporter.retention.prune import PruneResult, prune
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import Settings


class ArchivedFile(NamedTuple):
    """What `archive` did to a dataset, and what it removed from the file; None: nothing was to be removed."""

    archived: ArchiveResult
    pruned: PruneResult | None


def archive_file(
    settings: Settings,
    folder: str,
    until_day: int,
    *,
    removes: bool = False,
    progress: OnProgress = lambda done, of, note: None,
    removing: OnProgress = lambda done, of, note: None,
    rest: Callable[[float], None] = time.sleep,
) -> ArchivedFile:
    """Write the days of a file before `until_day` (since 1970-01-01, UTC) to the dataset at `folder`, as far as that
    lacks them or something of them. If it `removes`, all that is durable there is removed from the file by the rules of
    `prune`: whole sessions that ended before that day, none that is pinned, runs, or was written to since.

    A run that was stopped is run again. `progress` is called with the number of days that are done, of how many, and
    what is written; `removing` and `rest` are those of `prune`.

    Raises:
        FileRefusedError, MigrationFailedError, MissingPackageError: The file or the dataset cannot be used as it is.
        DamagedFileError: A part of the dataset is not what its manifest says.
        sqlite3.Error: The file cannot be read or written now.
        OSError: The dataset cannot be written.
    """
    with opening(settings, folder, until_day, removes=removes) as run:
        archived = run.run(progress)
        if not removes:
            return ArchivedFile(archived, None)
        age_s = (time.time_ns() - until_day * DAY_NS) / 1e9
        rules = RetentionRules(older_than_s=age_s, limit=ArchivedLimit(run))
        return ArchivedFile(archived, prune(settings, rules, progress=removing, rest=rest))
