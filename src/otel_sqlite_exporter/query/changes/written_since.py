# SPDX-License-Identifier: Apache-2.0
"""What was written to a file since a position: spans that started or ended, calls, tools, log records, data points.

A position is the last id of each of the two sequences of the file (docs/design.md, "Integer keys"), with what tells the
records that had these ids. A file may lose its last records, and later ones then get their ids again: the record at the
position is gone or another one, so what was written since cannot be told from what was seen. That is said instead. Data
points have no ids that grow: a position has the number of those that were ever written, and only that is told of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, LOGS, SPANS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import build_newest
from otel_sqlite_exporter.sql.texts import read_query

MOST = 500
"""The most spans, calls, tools and log records of one answer each."""
_COMMON = ("id", "trace_id", "span_id", "session_id", "service_name")
_SPAN_COLUMNS = (*_COMMON, "name", "kind", "status", "start_time", "duration_ms")
_CALL_COLUMNS = (
    *_COMMON,
    *("user_id", "agent_name", "operation", "provider", "model", "status", "error_type", "counted", "is_aggregate"),
    *("input_tokens", "output_tokens", "total_tokens", "cost_usd", "request_timestamp", "duration_ms"),
)
_TOOL_COLUMNS = (
    *(*_COMMON, "user_id", "agent_name", "tool_name", "tool_call_id", "status", "error_type", "counted"),
    *("start_time", "duration_ms"),
)
_LOG_COLUMNS = (*_COMMON, "event_name", "severity_number", "severity_text", "start_time")


class Position(NamedTuple):
    """The last records that were seen: of spans and events, and of log records; 0: there was none. And the number of
    data points that were written until then."""

    record: int
    log: int
    record_check: int
    log_check: int
    points: int = 0

    def encode(self) -> str:
        """Return the position as a short text."""
        return encode_position([*self])

    @classmethod
    def decode(cls, text: str) -> Position:
        """Return the position of a text.

        Raises:
            FilterError: It is none.
        """
        match decode_position(text):
            case [int(), int(), int(), int(), *points] as numbers if len(points) <= 1 and all(
                type(number) is int and number >= 0 for number in numbers
            ):
                return cls(*numbers)
        raise FilterError("Last-Event-ID", "it is not the id of an event of this stream: leave it out to begin anew")


@dataclass(frozen=True, slots=True)
class WrittenRecords:
    """What was written between two positions, in the order of writing.

    Attributes:
        position: The end of the file.
        is_lost: The records at the first position are gone, so nothing is known: read again what is shown.
        is_whole: No span, call, tool or log record was left out. Else these are the newest ones.
        spans, llm_interactions, tool_interactions, logs: Main columns of the rows of the views.
        points: The number of data points of metrics.
    """

    position: Position
    is_lost: bool = False
    is_whole: bool = True
    spans: tuple[dict[str, Any], ...] = ()
    llm_interactions: tuple[dict[str, Any], ...] = ()
    tool_interactions: tuple[dict[str, Any], ...] = ()
    logs: tuple[dict[str, Any], ...] = ()
    points: int = 0

    def __bool__(self) -> bool:
        """Return whether anything was written, or is lost."""
        written = self.spans or self.llm_interactions or self.tool_interactions or self.logs or self.points
        return self.is_lost or bool(written)

    def to_dict(self) -> dict[str, Any]:
        """Return what was written. The result can be written as JSON."""
        names = ("spans", "llm_interactions", "tool_interactions", "logs")
        rows = {name: list(getattr(self, name)) for name in names}
        return {**rows, "points": self.points, "truncated": not self.is_whole}


def read_position(connection: sqlite3.Connection) -> Position:
    """Return the end of the file."""
    record, log = connection.execute(read_query("get_last_records")).fetchone()
    return Position(record, log, *_describe(connection, record, log), _count_points(connection))


def read_changes(connection: sqlite3.Connection, since: Position) -> WrittenRecords:
    """Return what was written since a position."""
    end = read_position(connection)
    if end == since:
        return WrittenRecords(end)
    if end.record < since.record or end.log < since.log:
        return WrittenRecords(end, is_lost=True)
    if _describe(connection, since.record, since.log) != (since.record_check, since.log_check):
        return WrittenRecords(end, is_lost=True)
    asked = {"record": since.record, "limit": MOST + 1}
    spans = [id for id, _ in connection.execute(read_query("find_written_spans"), asked)]
    events = [id for (id,) in connection.execute(read_query("find_written_events"), asked)]
    ids = {"spans": orjson.dumps(spans).decode(), "events": orjson.dumps(events).decode()}
    found: dict[str, list[int]] = {"llm": [], "tool": []}
    for kind, id in connection.execute(read_query("find_written_calls"), ids):
        found[kind].append(id)
    lists = [
        _read_rows(connection, SPANS, _SPAN_COLUMNS, spans),
        _read_rows(connection, LLM_INTERACTIONS, _CALL_COLUMNS, found["llm"]),
        _read_rows(connection, TOOL_INTERACTIONS, _TOOL_COLUMNS, found["tool"]),
        fetch(connection, build_newest(LOGS, _LOG_COLUMNS, {}, after=since.log, limit=MOST + 1)),
    ]
    is_whole = len(events) <= MOST and all(len(rows) <= MOST for rows in lists)
    points = max(end.points - since.points, 0)
    starts, calls, tools, logs = (tuple(reversed(rows[:MOST])) for rows in lists)
    return WrittenRecords(end, False, is_whole, starts, calls, tools, logs, points)


def _read_rows(
    connection: sqlite3.Connection, view: AskableView[Any], columns: tuple[str, ...], ids: list[int]
) -> list[dict[str, Any]]:
    if not ids:
        return []
    return fetch(connection, build_newest(view, columns, {}, among=orjson.dumps(ids).decode(), limit=MOST + 1))


def _count_points(connection: sqlite3.Connection) -> int:
    """Return how many data points were ever written; of a file that is too old for metrics: 0."""
    try:
        return int(connection.execute(read_query("count_written_points")).fetchone()[0])
    except sqlite3.OperationalError as error:
        if not str(error).startswith("no such column"):
            raise
        return 0


def _describe(connection: sqlite3.Connection, record: int, log: int) -> tuple[int, int]:
    """Return a checksum of the record and of the log record with these ids; 0: there is none."""
    rows = dict(connection.execute(read_query("describe_records"), {"record": record, "log": log}).fetchall())
    checks = [crc32(rows[kind].encode()) if kind in rows else 0 for kind in ("record", "log")]
    return checks[0], checks[1]
