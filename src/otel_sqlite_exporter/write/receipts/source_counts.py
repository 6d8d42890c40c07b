# SPDX-License-Identifier: Apache-2.0
"""Counts what was received, by sender, service and signal: the view `receiver_sources`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedSpan, Records
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.batch_lookup import find_key
from otel_sqlite_exporter.write.metric_writing.points_batch import WrittenPoints
from otel_sqlite_exporter.write.receipts.known_requests import split_by_request

MOST_SOURCES = 1_000
_UNKNOWN = "unknown_service"
_LONGEST_NAME = 200


Duplicates = Collection[int]
"""The ids, in memory, of spans and data points that the file had already."""


@dataclass(slots=True)
class _SourceCounts:
    stored: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    sent_bytes: int = 0

    def list_columns(self) -> tuple[Any, ...]:
        rejected = orjson.dumps(self.rejected).decode()
        received = self.stored + self.duplicate + self.rejected.total()
        return received, self.stored, self.duplicate, rejected, self.retried, self.sent_bytes


_Sources = dict[tuple[str, str, str], _SourceCounts]


def count_sources(
    connection: sqlite3.Connection,
    new: Records,
    known: Sequence[Records],
    batch: Batch | None,
    points: WrittenPoints,
    now_unix_nano: int,
) -> None:
    """Count the requests of a batch, in the caller's transaction: `new` are the records that were written, as `batch`
    and `points`, and `known` those of each request that the file had already."""
    sources: _Sources = {}
    duplicates = {*points.duplicates, *(() if batch is None else _find_duplicates(batch, new.spans))}
    for part in split_by_request(new):
        _count_new(sources, part, duplicates, points.refused)
    for part in known:
        _count_known(sources, part)
    if not sources:
        return
    rows = [(*key, *source.list_columns()) for key, source in sources.items()]
    values = {"sources": orjson.dumps(rows).decode(), "most": MOST_SOURCES, "now": now_unix_nano}
    connection.execute(read_query("add_to_sources"), values)


def _count_new(sources: _Sources, part: Records, duplicates: Duplicates, refused: Mapping[int, str]) -> None:
    stored = _count_services(part)
    received = stored + _count_rejected(part)
    found = _share_bytes(sources, part, received)
    for service, number in stored.items():
        found[service].stored += number
    for one in part.requests[0].rejected:
        found[one.service_name or _UNKNOWN].rejected[one.reason] += one.records
    if duplicates or refused:
        records: Iterator[EncodedSpan | EncodedPoint] = chain(part.spans, part.points)
        for record in records:
            source = found[record.resource.service_name]
            if id(record) in duplicates:
                source.stored -= 1
                source.duplicate += 1
            elif reason := refused.get(id(record)):
                source.stored -= 1
                source.rejected[reason] += 1


def _count_known(sources: _Sources, part: Records) -> None:
    received = _count_services(part) + _count_rejected(part)
    found = _share_bytes(sources, part, received)
    for service, number in received.items():
        found[service].duplicate += number
    name = _name_source(part, next(iter(received), _UNKNOWN))
    sources.setdefault(name, _SourceCounts()).retried += 1


def _count_services(part: Records) -> Counter[str]:
    services = Counter([span.resource.service_name for span in part.spans])
    services.update([log.resource.service_name for log in part.logs])
    services.update([point.resource.service_name for point in part.points])
    return services


def _count_rejected(part: Records) -> Counter[str]:
    services: Counter[str] = Counter()
    for one in part.requests[0].rejected:
        services[one.service_name or _UNKNOWN] += one.records
    return services


def _share_bytes(sources: _Sources, part: Records, received: Mapping[str, int]) -> dict[str, _SourceCounts]:
    """Return the counts for each service of a request, with its bytes shared out by the records `received`."""
    left_bytes, left = part.requests[0].sent_bytes, sum(received.values())
    found: dict[str, _SourceCounts] = {}
    for service, number in received.items():
        share = left_bytes * number // left
        left_bytes, left = left_bytes - share, left - number
        found[service] = sources.setdefault(_name_source(part, service), _SourceCounts())
        found[service].sent_bytes += share
    return found


def _name_source(part: Records, service: str) -> tuple[str, str, str]:
    request = part.requests[0]
    return _cut_name(request.sender), _cut_name(service), request.signal


def _cut_name(name: str) -> str:
    return name[:_LONGEST_NAME].replace("\0", "\ufffd")  # SQLite's functions for JSON end a text at NUL


def _find_duplicates(batch: Batch, spans: Sequence[EncodedSpan]) -> Duplicates:
    found = {id(repeated.span) for repeated in batch.repeated if repeated.written.is_finished}
    if len(batch.new_spans) + len(batch.repeated) < len(spans):
        seen = {find_key(repeated.span) for repeated in batch.repeated}
        for span in spans:
            key = find_key(span)
            if key in seen and id(span) not in found:
                found.add(id(span))
            seen.add(key)
    return found
