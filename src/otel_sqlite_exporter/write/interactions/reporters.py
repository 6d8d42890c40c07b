# SPDX-License-Identifier: Apache-2.0
"""What records calls: two reporters of one service may record the same call."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.model.rows import make_row
from otel_sqlite_exporter.write.statements import run_query, run_script

SPAN, EVENT, LOG = range(3)


class Reporter(NamedTuple):
    """A row of `_reporters`. `source` is SPAN, EVENT (of a span) or LOG."""

    service_name: str
    source: int
    scope_name: str
    dialect: str
    is_aggregate: int


class Reporters(NamedTuple):
    """The reporters of the services of a batch, with their keys. `has_peers`: several report calls of one service;
    `has_aggregates`: some, of any service, report agents or workflows."""

    ids: dict[Reporter, int]
    has_peers: bool
    has_aggregates: bool


def make_reporter(service_name: str, source: int, scope_name: str, dialect: str, is_aggregate: int) -> Reporter:
    """Return a reporter. SQLite's functions for JSON end a text at NUL, and names are looked up through them."""
    service, scope = service_name.replace("\0", "\ufffd"), scope_name.replace("\0", "\ufffd")
    return make_row(Reporter, (service, source, scope, dialect, is_aggregate))


def find_reporters(connection: sqlite3.Connection, wanted: Collection[Reporter]) -> Reporters:
    """Return these reporters, and all others of their services. Those that the file lacks are added to it."""
    services = {reporter.service_name for reporter in wanted}
    ids, has_aggregates = _read(connection, services)
    missing = [reporter for reporter in wanted if reporter not in ids]
    if missing:
        run_script(connection, "insert_reporters", reporters=missing)
        ids, has_aggregates = _read(connection, services)
    calls = Counter(reporter.service_name for reporter in ids if not reporter.is_aggregate)
    return Reporters(ids, max(calls.values(), default=0) > 1, has_aggregates)


def _read(connection: sqlite3.Connection, services: Collection[str]) -> tuple[dict[Reporter, int], bool]:
    rows, has_aggregates = run_query(connection, "find_reporters", services=services).fetchone()
    return {Reporter(*columns): id for id, *columns in orjson.loads(rows)}, bool(has_aggregates)
