# SPDX-License-Identifier: Apache-2.0
"""Spans and events that look like model calls or tools, but speak no dialect: the report `unrecognised`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from otel_sqlite_exporter.genai.rules import Rules, extend_rules
from otel_sqlite_exporter.genai.unread_calls import Likeness, find_likeness, propose_dialect
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.dialect import Dialect
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query

UNRECOGNISED_COLUMNS = (
    *("looks_like", "source", "service_name", "scope_name", "name", "records", "attributes", "trace_id", "span_id"),
    "dialect",
)


@dataclass(slots=True)
class Unrecognised:
    """Records of one service and scope that look alike.

    Attributes:
        looks_like: `chat` (a model call) or `execute_tool`.
        source: `span`, `log` or `event` (of a span).
        name: Of the first of them: of the span, or of the event.
        records: Their number.
        columns: The columns that a dialect could fill, each with the attribute to fill it from.
        trace_id, span_id: Of the last of them. None: a log record that names none.
    """

    looks_like: str
    source: str
    service_name: str | None
    scope_name: str | None
    name: str
    records: int
    columns: Mapping[str, str]
    trace_id: str | None
    span_id: str | None


def propose_dialects(found: Sequence[Unrecognised]) -> dict[str | None, dict[str, Any]]:
    """Return for each service a dialect to start from, as JSON values: see docs/dialects.md#a-dialect-of-your-own."""
    services: dict[str | None, list[tuple[Likeness, str | None]]] = {}
    for one in found:
        likeness = Likeness(one.looks_like, one.columns)
        services.setdefault(one.service_name, []).append((likeness, None if one.source == "span" else one.name))
    return {service: propose_dialect(service or "own", likenesses) for service, likenesses in services.items()}


def find_unrecognised(
    connection: sqlite3.Connection, dialects: Sequence[Dialect], *, since: int = -LARGEST, until: int = LARGEST
) -> list[Unrecognised]:
    """Return what looks like calls or tools and speaks no dialect, the most frequent first.

    Args:
        connection: To a file of the present version.
        dialects: The user's own.
        since, until: Nanoseconds since the epoch: the range of the start, without its end.
    """
    rules, seen = extend_rules(dialects), _Verdicts()
    found: dict[tuple[Any, ...], Unrecognised] = {}
    rows = connection.execute(read_query("find_unread_records"), {"since": since, "until": until})
    for source, service, scope, name, event_name, trace_id, span_id, _, text in rows:
        likeness = seen.look(rules, orjson.loads(text), scope, event_name)
        if likeness is None:
            continue
        key = (source, service, scope, event_name, likeness.operation, *sorted(likeness.columns.items()))
        one = found.get(key)
        if one is None:
            one = found[key] = Unrecognised(
                likeness.operation, source, service, scope, name, 0, likeness.columns, None, None
            )
        one.records += 1
        one.trace_id, one.span_id = trace_id or None, span_id
    return sorted(found.values(), key=lambda one: (-one.records, one.looks_like, one.service_name or "", one.name))


def read_unrecognised(
    connection: sqlite3.Connection, dialects: Sequence[Dialect], bounds: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of the report; `bounds` has `since` and `until` in nanoseconds."""
    found = find_unrecognised(connection, dialects, since=bounds["since"], until=bounds["until"])
    proposed = propose_dialects(found)
    return [
        (
            *(one.looks_like, one.source, one.service_name, one.scope_name, one.name, one.records),
            *(orjson.dumps(dict(one.columns)).decode(), one.trace_id, one.span_id),
            orjson.dumps(proposed[one.service_name]).decode(),
        )
        for one in found
    ]


class _Verdicts:
    """Verdicts by the names and types of attributes, which few shapes of spans share."""

    def __init__(self) -> None:
        self._by_shape: dict[tuple[Any, ...], Likeness | None] = {}

    def look(
        self, rules: Rules, attributes: Mapping[str, Any], scope: str | None, event_name: str | None
    ) -> Likeness | None:
        key = (scope, event_name, *((name, type(value)) for name, value in attributes.items()))
        if key not in self._by_shape:
            is_read = _speaks_dialect(rules, attributes, scope, event_name)
            remember(self._by_shape, key, None if is_read else find_likeness(attributes))
        return self._by_shape[key]


def _speaks_dialect(rules: Rules, attributes: Mapping[str, Any], scope: str | None, event_name: str | None) -> bool:
    types = {name: type(value) for name, value in attributes.items()}
    if event_name is not None and rules.plan_record(event_name, types) is not None:
        return True
    return rules.plan_span(types, scope if scope in rules.scopes else None) is not None
