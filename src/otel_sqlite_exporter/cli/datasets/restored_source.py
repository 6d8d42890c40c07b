# SPDX-License-Identifier: Apache-2.0
"""A session or a trace of a dataset as a file, for a command that reads files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from otel_sqlite_exporter.settings import Settings


@contextmanager
def open_source(
    settings: Settings, criteria: Mapping[str, str | None]
) -> Iterator[tuple[Settings, dict[str, str | None]]]:
    """Yield the settings for the file, and the criteria. Where it is a dataset, these are of a temporary file with what
    `session_id` and `trace_id` name, and hold whole ids.

    Raises:
        click.UsageError: It is a dataset, and neither is given.
        FileRefusedError, NotFoundError: The dataset cannot be read, or has no such session or trace.
    """
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import is_dataset, open_dataset

    if not is_dataset(settings.path):
        yield settings, {**criteria}
        return
    from otel_sqlite_exporter.archive.restoring.gathered_file import gather_into
    from otel_sqlite_exporter.storage.system.work_folders import make_temporary_folder

    dataset = open_dataset(settings.path)
    session, trace = criteria["session_id"], criteria["trace_id"]
    if session is None and trace is None:
        raise click.UsageError(
            f"{dataset.path} is a dataset: give --session or --trace; "
            f'`sql "SELECT session_id FROM sessions" {dataset.path}` lists sessions'
        )
    with make_temporary_folder(".gathering-") as folder:
        path = os.path.join(folder, "gathered.db")
        sessions, traces = ((() if one is None else (one,)) for one in (session, trace))
        done = gather_into(dataset, path, folder, session_ids=sessions, trace_ids=traces)
        ids = {"session_id": next(iter(done.sessions), None), "trace_id": next(iter(done.traces), None)}
        yield settings._replace(path=path), {**criteria, **ids}
