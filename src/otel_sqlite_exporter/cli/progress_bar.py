# SPDX-License-Identifier: Apache-2.0
"""The progress of a long command, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from otel_sqlite_exporter.cli.formatting import format_value


@contextmanager
def show_progress(title: str, *, in_bytes: bool = False) -> Iterator[Callable[..., None]]:
    """Yield a function of `done`, `total` (None: unknown) and `note` that shows them and the time left on stderr. It
    shows nothing if stderr is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total, note="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(format_value(title), total=None, note="")
        yield lambda done, total, note="": bar.update(task, completed=done, total=total, note=format_value(note))
