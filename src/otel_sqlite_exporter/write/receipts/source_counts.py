# SPDX-License-Identifier: Apache-2.0
"""Counts what was received, by sender, service and signal: the view `receiver_sources`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from otel_sqlite_exporter.model.rows import EncodedSpan, Records
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.batch_lookup import find_key
from otel_sqlite_exporter.write.receipts.known_requests import split_by_request

MOST_SOURCES = 1_000
_UNKNOWN = "unknown_service"
_LONGEST_NAME = 200


Duplicates = Collection[int]
"""The ids, in memory, of spans that the file had already."""


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
    connection: sqlite3.Connection, new: Records, known: Sequence[Records], batch: Batch | None, now_unix_nano: int
) -> None:
    """Count the requests of a batch, in the caller's transaction: `new` are the records that were written, as `batch`,
    and `known` those of each request that the file had already."""
    sources: _Sources = {}
    duplicates = () if batch is None else _find_duplicates(batch, new.spans)
    for part in split_by_request(new):
        _count_new(sources, part, duplicates)
    for part in known:
        _count_known(sources, part)
    rows = [(*key, *source.list_columns()) for key, source in sources.items()]
    values = {"sources": orjson.dumps(rows).decode(), "most": MOST_SOURCES, "now": now_unix_nano}
    connection.execute(read_query("add_to_sources"), values)


def _count_new(sources: _Sources, part: Records, duplicates: Duplicates) -> None:
    by_service = _find_sources(sources, part)
    for name, number in by_service.items():
        sources[name].stored += number
    if duplicates:
        for span in part.spans:
            if id(span) in duplicates:
                source = sources[_name_source(part, span.resource.service_name)]
                source.stored -= 1
                source.duplicate += 1
    # Which service a record is of that cannot be read is not known.
    for reason, number in part.requests[0].rejected:
        sources[next(iter(by_service))].rejected[reason] += number


def _count_known(sources: _Sources, part: Records) -> None:
    by_service = _find_sources(sources, part)
    for name, number in by_service.items():
        sources[name].duplicate += number
    first = sources[next(iter(by_service))]
    first.duplicate += part.requests[0].rejections
    first.retried += 1


def _find_sources(sources: _Sources, part: Records) -> dict[tuple[str, str, str], int]:
    """Return the numbers of records of a request by source, and share its bytes out by them. There is one at least."""
    request = part.requests[0]
    services = Counter([span.resource.service_name for span in part.spans])
    services.update([log.resource.service_name for log in part.logs])
    left_bytes, left = request.sent_bytes, request.records
    found: dict[tuple[str, str, str], int] = {}
    for service, number in (services or {_UNKNOWN: 0}).items():
        name = _name_source(part, service)
        share = left_bytes * number // left if left else left_bytes
        left_bytes, left = left_bytes - share, left - number
        sources.setdefault(name, _SourceCounts()).sent_bytes += share
        found[name] = found.get(name, 0) + number
    return found


def _name_source(part: Records, service: str) -> tuple[str, str, str]:
    request = part.requests[0]
    return request.sender[:_LONGEST_NAME], service[:_LONGEST_NAME], request.signal


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
