# SPDX-License-Identifier: Apache-2.0
"""A dataset of three hosts that saw the same traces, and the file that has all their records."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.archive.archiving.archive_file import archive_file
from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.open_work import show_open_work
from tests.commands import run
from tests.conftest import in_new_process
from tests.dataset_files import DAY_NS, FIRST_NS, export_records, leave_open, make_batches, settle
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.sample_points import encode_points, make_points, write_points

HOSTS, _DAYS = 3, 2
_CAPTURES = ("claude-code", "bedrock-botocore")
_AFTER_ALL = 60_000
"""A day of 2134."""


class Hosts(NamedTuple):
    """The dataset, and one file with the same records."""

    dataset: DatasetFolder
    path: Path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to the file, in which spans of processes that are gone are interrupted."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as file:
            file.execute("BEGIN")
            show_open_work(file)
            yield file

    def count(self, table: str) -> int:
        """How many rows of a table the dataset has."""
        return sum(manifest.count(table) for manifest in read_manifests(self.dataset))


def make_hosts(folder: Path) -> Hosts:
    """Archive a file of each host, put the dataset together, and merge the files."""
    files = [_make_file(folder / f"host{number}.db", number) for number in range(HOSTS)]
    dataset = str(folder / "it's a dataset")
    for file in files:
        archive_file(resolve_settings(str(file)), dataset, _AFTER_ALL)
    compact(open_dataset(dataset), lambda done, of, what: None)
    whole = folder / "whole.db"
    code, _, error = run("merge", *files, "--into", whole)
    assert code == 0, error
    return Hosts(open_dataset(dataset), whole)


def _make_file(path: Path, number: int) -> Path:
    """Every third record of each batch, and some that all hosts have. The first host has captures as well, and the
    metrics, as a series is of one program."""
    if number == 0:
        for capture in _CAPTURES:
            import_batches(path, [read_capture(capture).lines])
        in_new_process(leave_open, path, 1, status=-signal.SIGKILL)
        write_points(path, encode_points([*make_points(3, FIRST_NS + DAY_NS - 60_000_000_000), *make_points(2)]))
    *of_days, odd = make_batches()
    for batch in (*of_days[: 2 * _DAYS], odd):
        export_records(path, [one for place, one in enumerate(batch) if place % HOSTS == number or place % 5 == 0])
    export_records(path, [_make_alert(number)])
    settle(path, f"{number}123456789abcdef" * 2)
    return path


def _make_alert(number: int) -> ReadableSpan:
    """A call with events that have views of their own."""
    at = FIRST_NS + number * DAY_NS
    alert = {"security.alert_level": "high", "security.keywords": ["a", "b"], "security.description": ""}
    events = [
        Event("security.content", alert, at),
        Event("security.unknown", {}, at),
        Event("framework.patch", {"framework.name": "crew", "framework.version": None}, at),
    ]
    context = SpanContext(0xA1E57 + number, 1, False, TraceFlags(1))
    called = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    resource = Resource({"service.name": "guard"})
    return ReadableSpan("chat", context, None, resource, called, events, start_time=at, end_time=at + 1)
