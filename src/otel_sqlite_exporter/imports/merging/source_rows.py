# SPDX-License-Identifier: Apache-2.0
"""Reads spans and log records of a source as rows, with what their versions named, in one snapshot of the source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.imports.merging.copied_costs import KnownCosts
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import EventRow, LinkRow, LogRow, Naming, SpanRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.call_prices import read_costs
from otel_sqlite_exporter.write.statements import read_json, run_query

MOST_RECORDS = 512
_MOST_CHARACTERS = 4 << 20
_SPAN_COLUMNS = 10
_LOG_COLUMNS = 5


class SourceSpan(NamedTuple):
    """A span of a source. `part` is its key of `_trace_sessions`. `start` are the attributes, and notes of their types,
    that its start record has by itself."""

    id: int
    finish_record: int | None
    part: int
    trace_id: str
    row: SpanRow
    resource: ResourceRow
    scope: ScopeRow | None
    events: Sequence[EventRow]
    links: Sequence[LinkRow]
    start: tuple[str, str | None] | None


class SourceLog(NamedTuple):
    """A log record of a source."""

    id: int
    trace_id: str
    span_id: str | None
    row: LogRow
    resource: ResourceRow
    scope: ScopeRow | None


class PartNamings(NamedTuple):
    """What versions of spans named, also those that the source did not keep: the session of a part of a trace (`own`),
    and of the trace its session and user. `entry_rank` is the strongest rank of a span without a local parent."""

    own: Naming | None
    session: Naming | None
    user: Naming | None
    entry_rank: int | None


class SpanPage(NamedTuple):
    """Spans, the namings of their parts, the computed costs of their calls, and the ids of those that cannot be
    read."""

    spans: Sequence[SourceSpan]
    namings: Mapping[int, PartNamings]
    costs: KnownCosts
    unreadable: Sequence[int]


class LogPage(NamedTuple):
    """Log records, the computed costs of their calls, and the ids of records that cannot be read."""

    logs: Sequence[SourceLog]
    costs: KnownCosts
    unreadable: Sequence[int]


def read_span_page(connection: sqlite3.Connection, ids: Sequence[int]) -> SpanPage:
    """Return the first of these spans, as many as hold a few megabytes of text."""
    rows, unreadable = _read_first(connection, "read_source_spans", ids)
    resources, scopes = read_origins(connection, rows, resource=3)
    spans: list[SourceSpan] = []
    for row in rows:
        id, finish_record, part, resource, scope, start, start_types, events, links, trace_id = row[:_SPAN_COLUMNS]
        try:
            span = SourceSpan(
                id,
                finish_record,
                part,
                trace_id,
                SpanRow._make(row[_SPAN_COLUMNS:]),
                resources[resource],
                None if scope is None else scopes[scope],
                [EventRow(*columns) for columns in orjson.loads(events)],
                [LinkRow(*columns) for columns in orjson.loads(links)],
                None if start is None else (start, start_types),
            )
        except (ValueError, TypeError, KeyError):  # a damaged file may hold anything
            unreadable.append(id)
        else:
            spans.append(span)
    costs = _read_costs(connection, spans=[span.id for span in spans])
    return SpanPage(spans, _read_namings(connection, {span.part for span in spans}), costs, unreadable)


def read_log_page(connection: sqlite3.Connection, ids: Sequence[int]) -> LogPage:
    """Return the first of these log records, as many as hold a few megabytes of text."""
    rows, unreadable = _read_first(connection, "read_source_logs", ids)
    resources, scopes = read_origins(connection, rows, resource=3)
    logs: list[SourceLog] = []
    for row in rows:
        id, trace_id, span_id, resource, scope = row[:_LOG_COLUMNS]
        try:
            found = resources[resource], None if scope is None else scopes[scope]
        except KeyError:
            unreadable.append(id)
        else:
            logs.append(SourceLog(id, trace_id, span_id, LogRow._make(row[_LOG_COLUMNS:]), *found))
    read = [log.id for log in logs]
    (spans,) = read_json(connection, "find_spans_of_logs", logs=read)  # whose calls the records complete
    return LogPage(logs, _read_costs(connection, spans=spans, logs=read), unreadable)


def _read_first(
    connection: sqlite3.Connection, query: str, ids: Sequence[int]
) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Return the first rows of these ids, and the ids up to there that have none: what they refer to is missing."""
    rows: list[tuple[Any, ...]] = []
    characters = 0
    is_cut = False
    for row in run_query(connection, query, ids=ids):
        rows.append(row)
        characters += sum(len(value) for value in row if type(value) is str)
        if characters >= _MOST_CHARACTERS:
            is_cut = True
            break
    read = {row[0] for row in rows}
    end = ids.index(rows[-1][0]) + 1 if is_cut else len(ids)
    return rows, [id for id in ids[:end] if id not in read]


def read_origins(
    connection: sqlite3.Connection, rows: Sequence[Sequence[Any]], *, resource: int
) -> tuple[dict[int, ResourceRow], dict[int, ScopeRow]]:
    """Return the resources and scopes of rows that have their keys at this place and the next."""
    wanted = {row[resource] for row in rows}, {row[resource + 1] for row in rows} - {None}
    resources, scopes = read_json(connection, "read_source_origins", resources=wanted[0], scopes=wanted[1])
    return (
        {int(id): ResourceRow(*columns) for id, columns in resources.items()},
        {int(id): ScopeRow(*columns) for id, columns in scopes.items()},
    )


def _read_costs(connection: sqlite3.Connection, *, spans: Sequence[int] = (), logs: Sequence[int] = ()) -> KnownCosts:
    found = read_costs(connection, spans=spans, logs=logs)
    return {call.inputs: call.cost for call in found if call.is_computed}


def _read_namings(connection: sqlite3.Connection, parts: set[int]) -> dict[int, PartNamings]:
    namings: dict[int, PartNamings] = {}
    for id, rank, name, source, *rest in run_query(connection, "read_source_namings", parts=parts):
        own = None if name is None or rank is None else Naming(rank, 1, 0, name, source or "")
        namings[id] = PartNamings(own, _read_naming(rest[:5]), _read_naming(rest[5:10]), rest[10])
    return namings


def _read_naming(columns: Sequence[Any]) -> Naming | None:
    return None if columns[0] is None or columns[3] is None else Naming(*columns)


def find_ended(connection: sqlite3.Connection, after: int) -> list[tuple[int, int]]:
    """Return the ids and the finish records of the next spans that have ended."""
    return connection.execute(read_query("find_finished_after"), {"after": after, "limit": MOST_RECORDS}).fetchall()


def find_running(connection: sqlite3.Connection, after: int) -> list[tuple[int, str]]:
    """Return the ids of the next spans that run, each with the run that will end it."""
    return connection.execute(read_query("find_running_after"), {"after": after, "limit": MOST_RECORDS}).fetchall()


def find_logs(connection: sqlite3.Connection, after: int, last: int, limit: int = MOST_RECORDS) -> list[int]:
    """Return the ids of the next log records, up to `last`."""
    values = {"after": after, "last": last, "limit": limit}
    found: list[int] = orjson.loads(connection.execute(read_query("find_logs_after"), values).fetchone()[0])
    return found


def find_logs_of_times(connection: sqlite3.Connection, times: Sequence[int], last: int) -> Iterator[int]:
    """Yield the ids of the log records of these times, up to `last`."""
    values = {"times": orjson.dumps(times).decode(), "last": last}
    return (id for (id,) in connection.execute(read_query("find_source_logs_at"), values))
