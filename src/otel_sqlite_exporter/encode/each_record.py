# SPDX-License-Identifier: Apache-2.0
"""Encodes the records of a batch one by one: one that cannot be a row costs itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from otel_sqlite_exporter.model.memory import check_memory, is_memory_limited
from otel_sqlite_exporter.model.rows import QuarantineRow

_Record = TypeVar("_Record")
_Row = TypeVar("_Row")


class EncodedRecords(NamedTuple, Generic[_Row]):
    """The rows of a batch, those for the quarantine, and how many records found no memory."""

    rows: list[_Row]
    refused: list[QuarantineRow]
    lost: int


def encode_each(
    records: Sequence[_Record],
    encode: Callable[[_Record], _Row],
    quarantine: Callable[[_Record, Exception], QuarantineRow],
) -> EncodedRecords[_Row]:
    """Encode each of `records`; where `encode` raises, once more: the exception may come from a signal handler, and
    then the record is sound. What raises again gives its row for the quarantine, unless memory has run out: that says
    nothing about a record, and orjson (3.13) then ends the process by a null pointer."""
    is_limited = is_memory_limited()
    if not is_limited:
        with suppress(Exception):
            return EncodedRecords([encode(record) for record in records], [], 0)
    rows: list[_Row] = []
    refused: list[QuarantineRow] = []
    lost = 0
    for record in records:
        for is_last in (False, True):
            done = len(rows), len(refused)
            try:
                if is_limited:
                    check_memory(*_find_large(record))
                rows.append(encode(record))
            except MemoryError:
                lost += 1
            except Exception as error:
                if done != (len(rows), len(refused)):
                    break
                if not is_last:
                    continue
                refused.append(quarantine(record, error))
            break
    return EncodedRecords(rows, refused, lost)


def _find_large(record: Any) -> Iterator[Any]:
    """Yield what may be large in a span or a log record of the SDK."""
    log = getattr(record, "log_record", record)
    yield getattr(log, "attributes", None)
    yield getattr(log, "body", None)
    for part in (*(getattr(record, "events", None) or ()), *(getattr(record, "links", None) or ())):
        yield getattr(part, "attributes", None)
