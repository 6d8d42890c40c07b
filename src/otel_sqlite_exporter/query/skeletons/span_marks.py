# SPDX-License-Identifier: Apache-2.0
"""What hangs on the spans of a trace: the moments of their events and log records, and how many links they have."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.sql.texts import read_query

MOST_MARKS = 20_000
"""The most events and log records of a trace that are marked."""
MARKS = ("event", "exception", "log", "error log")


class SpanMarks(NamedTuple):
    """The columns of events and log records: `span` (a position), `at_ns` after the start of the trace, and `kind` (a
    position in `MARKS`); whether some were left out."""

    columns: Mapping[str, list[int]]
    is_cut: bool


def read_marks(
    connection: sqlite3.Connection,
    trace_id: str,
    began: int,
    positions: Mapping[int, int],
    find: Callable[[str, str], int | None],
) -> SpanMarks:
    """Return the marks of a trace that began at `began`, by the positions of spans by their ids. `find` gives the
    position of a span that a record of a service names."""
    asked = {"trace_id": trace_id, "limit": MOST_MARKS + 1}
    rows = connection.execute(read_query("find_skeleton_marks"), asked).fetchall()
    services = read_services(connection, {resource for *_, resource in rows if resource is not None})
    columns: dict[str, list[int]] = {"span": [], "at_ns": [], "kind": []}
    for id, span_id, at, kind, resource in rows[:MOST_MARKS]:
        position = positions.get(id) if span_id is None else find(span_id, services[resource])
        if position is not None:  # its span may not be in the file
            columns["span"].append(position)
            columns["at_ns"].append(at - began)
            columns["kind"].append(kind)
    return SpanMarks(columns, len(rows) > MOST_MARKS)


def read_links(connection: sqlite3.Connection, trace_id: str, positions: Mapping[int, int]) -> dict[str, list[int]]:
    """Return the columns `span` (a position) and `count` of the spans that have links."""
    rows = connection.execute(read_query("count_skeleton_links"), {"trace_id": trace_id}).fetchall()
    return {"span": [positions[id] for id, _ in rows], "count": [count for _, count in rows]}


def read_services(connection: sqlite3.Connection, resources: set[int]) -> dict[int, Any]:
    """Return the service of each resource."""
    parameters = {"resources": orjson.dumps([*resources]).decode()}
    return dict(connection.execute(read_query("find_service_names"), parameters).fetchall())
