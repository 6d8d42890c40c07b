# SPDX-License-Identifier: Apache-2.0
"""Chooses the version of a span that the file keeps when the span arrives again.

Usually the span was written open and has ended since, or the same span arrives twice. Two versions differ if a span was
open across a fork and both processes ended it. Then the version that ended last is kept, or the one with the greater
content if both ended together. So the order of arrival does not matter. A start that arrives after its finish adds the
attributes that the finish lacks: the span is written again, as if its start had come first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.encode.open_spans import merge_attributes
from otel_sqlite_exporter.model.rows import EncodedSpan
from otel_sqlite_exporter.write.batch_lookup import RepeatedSpan
from otel_sqlite_exporter.write.context_rows import ContextRows
from otel_sqlite_exporter.write.statements import read_json
from otel_sqlite_exporter.write.stored_spans import read_spans


def choose_version(one: EncodedSpan, other: EncodedSpan) -> EncodedSpan:
    """Return the version of a span that is kept."""
    if one.is_open != other.is_open:
        return other if one.is_open else one
    ends = (one.row.end_time_unix_nano, other.row.end_time_unix_nano)
    if ends[0] != ends[1]:
        return one if ends[0] > ends[1] else other
    return other if _sort_key(_list_content(other)) > _sort_key(_list_content(one)) else one


def choose_replacing(connection: sqlite3.Connection, repeated: Sequence[RepeatedSpan]) -> list[RepeatedSpan]:
    """Return those of `repeated` that replace the version in the file, one for each id."""
    best: dict[int, RepeatedSpan] = {}
    for one in repeated:
        written = one.written
        if written.is_finished and one.span.row.end_time_unix_nano < written.end_time_unix_nano:
            continue
        kept = best.get(written.id)
        if kept is None or choose_version(kept.span, one.span) is one.span:
            best[written.id] = one
    ties = [
        id
        for id, one in best.items()
        if one.written.is_finished and one.span.row.end_time_unix_nano == one.written.end_time_unix_nano
    ]
    if ties:
        (found,) = read_json(connection, "read_versions", ids=ties)
        for id, content in found.items():
            if _sort_key(_list_content(best[int(id)].span)) <= _sort_key(content):
                del best[int(id)]
    return list(best.values())


def find_completed(
    connection: sqlite3.Connection,
    late_starts: Sequence[RepeatedSpan],
    replacing: Sequence[RepeatedSpan],
    contexts: ContextRows,
) -> list[RepeatedSpan]:
    """Return the finished spans, as the file holds them, that `late_starts` add attributes to, but for those that
    `replacing` replaces. The batch merges both."""
    replaced = {one.written.id for one in replacing}
    starts = {one.written.id: one for one in late_starts if one.written.is_finished and one.written.id not in replaced}
    completed: list[RepeatedSpan] = []
    if not starts:
        return completed
    for stored in read_spans(connection, starts.keys()):
        start, row = starts[stored.id].span.row, stored.row
        if merge_attributes(row.attributes, row.attribute_types, start.attributes, start.attribute_types):
            span = stored.encode()
            contexts.add_stored_keys(span, stored.resource, stored.scope)
            completed.append(RepeatedSpan(span, starts[stored.id].written))
    return completed


def _list_content(span: EncodedSpan) -> list[Any]:
    """Return the content of a span in the order of queries/write/read_versions.sql."""
    row = span.row
    return [
        *(row.status_code, row.attributes, row.attribute_types, row.name, row.kind, row.start_time_unix_nano),
        *(row.parent_span_id, row.parent_is_remote, row.trace_flags, row.trace_state, row.status_description),
        *(row.dropped_attributes, row.dropped_events, row.dropped_links),
        *(span.resource.digest, span.scope and span.scope.digest),
        [
            [
                event.name,
                event.recorded_name,
                event.time_unix_nano,
                event.dropped_attributes,
                event.attribute_types,
                event.attributes,
            ]
            for event in span.events
        ],
        [list(link) for link in span.links],
    ]


def _sort_key(content: list[Any]) -> tuple[Any, bytes]:
    return content[0], orjson.dumps(content[1:])
