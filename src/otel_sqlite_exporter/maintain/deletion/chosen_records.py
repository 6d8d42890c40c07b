# SPDX-License-Identifier: Apache-2.0
"""Finds the records that a rule chooses, in temporary tables of the connection: the file is only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.maintain.deletion.chosen_points import choose_points
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.naming_texts import dump, find_needle, list_resources, names_user
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.askable_views import TRACES
from otel_sqlite_exporter.query.reading import iterate_rows
from otel_sqlite_exporter.retention.step_choice import POINT_BYTES
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.open_work import show_open_work
from otel_sqlite_exporter.storage.system.file_space import count_pages

_SESSIONS, _TRACES, _USERS, _TIMES, _FILTER, _ALL = (1 << bit for bit in range(6))
_FIRST_TIME, _LAST_TIME = -(2**63), 2**63 - 1
_TRACE_NAME = 2


class Pin(NamedTuple):
    """A pin on what is chosen: the session or the trace, the other is empty, and its label."""

    session_id: str
    trace_id: str
    label: str


class ChosenRecords(NamedTuple):
    """How much a rule chooses.

    Attributes:
        sessions: Sessions of which all records go.
        touched_sessions: All sessions of which records go.
        traces: Traces of which all records go.
        touched_traces: All traces of which records go.
        spans: Rows; the next four likewise.
        running: Spans that run.
        series: Series of metrics of which points go.
        points: Data points of these.
        exemplars: Exemplars of other series.
        bytes: About so many bytes of the file.
        pins: Pins on sessions and traces of which records go.
    """

    sessions: int
    touched_sessions: int
    traces: int
    touched_traces: int
    spans: int
    logs: int
    events: int
    calls: int
    tools: int
    running: int
    series: int
    points: int
    exemplars: int
    bytes: int
    pins: tuple[Pin, ...]

    @property
    def records(self) -> int:
        """Spans and log records."""
        return self.spans + self.logs

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen."""
        return not (self.records or self.points or self.exemplars)


def choose_records(connection: sqlite3.Connection, rule: DeletionRule) -> ChosenRecords:
    """Find what `rule` chooses now, in the caller's transaction, if there is one: the keys are then in the temporary
    tables of create_chosen.sql.

    Raises:
        FilterError: The filter cannot be used.
        MissingPackageError: There is a filter, and the package that parses it is not installed.
        sqlite3.Error: The file cannot be read.
    """
    is_read_only = connection.execute("PRAGMA query_only").fetchone()[0]
    rows = _find_filtered(connection, rule)
    connection.execute("PRAGMA query_only = OFF")  # it forbids temporary tables too
    try:
        _run(connection, "create_chosen")
        kinds = _match(connection, rule, rows)
        since = _FIRST_TIME if rule.since is None else rule.since
        until = _LAST_TIME if rule.until is None else rule.until
        values = {
            "kinds": kinds,
            "of_users": _USERS if rule.users else 0,
            "services": dump(rule.services) if rule.services else None,
            "since": since,
            "until": until,
        }
        _run(connection, "choose_records", **values)
        gone = [name for kind, name in connection.execute(read_query("list_chosen_names")) if kind == _TRACE_NAME]
        metrics = choose_points(connection, rule, users_kind=_USERS, traces=gone)
    finally:
        connection.execute(f"PRAGMA query_only = {is_read_only}")
    *counts, of = connection.execute(read_query("describe_chosen")).fetchone()
    pins = tuple(Pin(*row) for row in connection.execute(read_query("list_chosen_pins")))
    spans, logs = counts[4:6]
    size = _estimate_bytes(connection, spans + logs, of, metrics.points)
    return ChosenRecords._make((*counts, *metrics, size, pins))


def _find_filtered(connection: sqlite3.Connection, rule: DeletionRule) -> list[int]:
    """Return the keys of the traces that the filter finds."""
    if rule.filter is None:
        return []
    show_open_work(connection)
    return [row["id"] for row in iterate_rows(connection, TRACES, ("id",), filter=rule.filter)]


def _match(connection: sqlite3.Connection, rule: DeletionRule, filtered: Collection[int]) -> int:
    """Match parts of traces by each selector, and return the bits of the selectors."""
    kinds = 0
    if rule.sessions:
        kinds |= _SESSIONS
        _run(connection, "match_sessions", names=dump(rule.sessions), kind=_SESSIONS)
    if rule.traces:
        kinds |= _TRACES
        _run(connection, "match_traces", names=dump(rule.traces), kind=_TRACES)
    if rule.users:
        kinds |= _USERS
        _match_users(connection, rule.users)
    if rule.has_time:
        kinds |= _TIMES
        since = _FIRST_TIME if rule.since is None else rule.since
        until = _LAST_TIME if rule.until is None else rule.until
        _run(connection, "match_times", since=since, until=until, kind=_TIMES)
    if rule.filter is not None:
        kinds |= _FILTER
        _run(connection, "match_trace_rows", names=dump(filtered), kind=_FILTER)
    if not kinds:  # services alone
        kinds = _ALL
        _run(connection, "match_all", kind=_ALL)
    return kinds


def _match_users(connection: sqlite3.Connection, users: Sequence[str]) -> None:
    _run(connection, "match_users", names=dump(users), kind=_USERS)
    resources = list_resources(connection, users)
    asked = {"needles": dump([*map(find_needle, users)]), "resources": dump(resources)}
    parts, logs = set(), set()
    for log, part, is_named, text, types in connection.execute(read_query("find_naming_records"), asked):
        if is_named or names_user(decode_attributes(text, types), users):
            if log is None:
                parts.add(part)
            else:
                logs.add(log)
    _run(connection, "match_logs", names=dump(logs))
    _run(connection, "match_parts", names=dump(parts), kind=_USERS)
    _run(connection, "match_user_sessions", names=dump(users), kind=_USERS)


def _estimate_bytes(connection: sqlite3.Connection, chosen: int, of: int, points: int) -> int:
    """Return the share of so many records, and of data points, in what the file holds."""
    (all_points,) = connection.execute(read_query("estimate_points")).fetchone()
    of_records = count_pages(connection).used_bytes - POINT_BYTES * int(all_points)
    return max(0, of_records) * chosen // max(of, 1) + POINT_BYTES * points


def _run(connection: sqlite3.Connection, name: str, **values: object) -> None:
    for statement in split_statements(read_query(name)):
        connection.execute(statement, values)
