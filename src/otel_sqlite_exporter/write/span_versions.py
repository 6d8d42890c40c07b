# SPDX-License-Identifier: Apache-2.0
"""A span that comes again. Mostly it was written open and has now ended, or it is the same span twice; where it differs
(it was open across a fork, and both sides ended it) the version that ended last is kept, and of two that ended together
the greater content, so that the order of arrival does not matter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.encode.open_spans import ESTIMATED, OPEN
from otel_sqlite_exporter.model.rows import EncodedSpan
from otel_sqlite_exporter.write.statements import run_query


class Known(NamedTuple):
    """A span that the file holds."""

    id: int
    trace_session: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    end_time_source: str | None
    status_code: int

    @property
    def is_finished(self) -> bool:
        """Whether it has ended by itself."""
        return self.end_time_source not in (OPEN, ESTIMATED)


class Repeated(NamedTuple):
    """A span that the file holds already."""

    span: EncodedSpan
    known: Known


def choose_version(one: EncodedSpan, other: EncodedSpan) -> EncodedSpan:
    """Return the version that is kept."""
    if one.is_open != other.is_open:
        return other if one.is_open else one
    ends = (one.row.end_time_unix_nano, other.row.end_time_unix_nano)
    if ends[0] != ends[1]:
        return one if ends[0] > ends[1] else other
    return other if _order(_version(other)) > _order(_version(one)) else one


def find_replacing(connection: sqlite3.Connection, repeated: Sequence[Repeated]) -> list[Repeated]:
    """Return those of `repeated` that take the place of what the file holds, one for each id."""
    best: dict[int, Repeated] = {}
    for one in repeated:
        known = one.known
        if known.is_finished and one.span.row.end_time_unix_nano < known.end_time_unix_nano:
            continue
        kept = best.get(known.id)
        if kept is None or choose_version(kept.span, one.span) is one.span:
            best[known.id] = one
    ties = [
        id
        for id, one in best.items()
        if one.known.is_finished and one.span.row.end_time_unix_nano == one.known.end_time_unix_nano
    ]
    if ties:
        (held,) = run_query(connection, "read_versions", ids=ties).fetchone()
        for id, version in orjson.loads(held).items():
            if _order(_version(best[int(id)].span)) <= _order(version):
                del best[int(id)]
    return list(best.values())


def _version(span: EncodedSpan) -> list[Any]:
    """The content of a span in the order of queries/read_versions.sql."""
    row = span.row
    return [
        row.status_code,
        row.attributes,
        row.attribute_types,
        row.name,
        row.kind,
        row.start_time_unix_nano,
        row.parent_span_id,
        row.parent_is_remote,
        row.trace_flags,
        row.trace_state,
        row.status_description,
        row.dropped_attributes,
        row.dropped_events,
        row.dropped_links,
        span.resource.digest,
        span.scope and span.scope.digest,
        [
            [event.name, event.time_unix_nano, event.dropped_attributes, event.attribute_types, event.attributes]
            for event in span.events
        ],
        [list(link) for link in span.links],
    ]


def _order(version: list[Any]) -> tuple[Any, bytes]:
    return version[0], orjson.dumps(version[1:])
