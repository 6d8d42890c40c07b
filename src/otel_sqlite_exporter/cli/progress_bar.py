# SPDX-License-Identifier: Apache-2.0
"""How far a long command is, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_sqlite_exporter.imports.importer import SourceReport
    from otel_sqlite_exporter.imports.sources import ImportSource


@contextmanager
def show_progress(source: ImportSource) -> Iterator[Callable[[SourceReport], None]]:
    """Yield what shows, on stderr, how much of `source` was read; where that is no terminal, it shows nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda report: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[records]:,} records"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(source.name.rpartition("/")[2], total=source.size, records=0)
        yield lambda report: bar.update(task, completed=source.position, records=report.spans + report.logs)


@contextmanager
def show_count(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows, on stderr, how many things are done, of how many, with their rate and the time that is left;
    where that is no terminal, it shows nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
