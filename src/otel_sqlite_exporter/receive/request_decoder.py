# SPDX-License-Identifier: Apache-2.0
"""From the body of a request to encoded records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.model.arrivals.request_rows import RejectedRecords
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_kinds import name_in_proto
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message, find_signals
from otel_sqlite_exporter.otlp.parsed_json import parse_json
from otel_sqlite_exporter.otlp.protobuf import TooManyMessagesError, parse_protobuf
from otel_sqlite_exporter.receive.message_limits import (
    MOST_OBJECTS,
    check_items,
    check_json,
    check_protobuf,
    check_records,
    make_size_error,
)
from otel_sqlite_exporter.receive.record_encoder import RecordEncoder
from otel_sqlite_exporter.receive.requests import (
    INVALID_IDS,
    UNENCODED,
    UNREADABLE,
    UNREADABLE_HOLDER,
    BadRequestError,
    ReceivedRequest,
)
from otel_sqlite_exporter.settings import Settings

_UNREADABLE = {"record": UNREADABLE, "holder": UNREADABLE_HOLDER, "ids": INVALID_IDS}
_TOPS = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}


@dataclass(slots=True)
class EncodedRequest:
    """What a request holds: rows, and how many of its records were rejected, by reason and service."""

    spans: list[EncodedSpan] = field(default_factory=list)
    logs: list[EncodedLog] = field(default_factory=list)
    points: list[EncodedPoint] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    _rejected: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def rejected(self) -> list[RejectedRecords]:
        """The records that were rejected, the most first. One whose service cannot be read is taken for one of the
        first service here: most requests come from one."""
        stored: Iterator[EncodedSpan | EncodedLog | EncodedPoint] = chain(self.spans, self.logs, self.points)
        first = next((record.resource.service_name for record in stored), "")
        return [
            RejectedRecords(reason, service_name or first, number)
            for (reason, service_name), number in self._rejected.most_common()
        ]

    def reject(self, reason: str, service_name: str = "", records: int = 1) -> None:
        """Count records as rejected. The name of their service is empty where it is not known."""
        self._rejected[reason, service_name] += records


class RequestDecoder:
    """Decodes and encodes for the file of `settings`."""

    def __init__(self, settings: Settings) -> None:
        self._encoder = RecordEncoder(settings)

    def decode_request(self, request: ReceivedRequest, now: int) -> EncodedRequest:
        """Return the records of a request, and why others are rejected. `now` is in nanoseconds since the epoch.

        Raises:
            BadRequestError: Its body is no OTLP message of its signal, or holds too many records.
            MemoryError: There is none for it now.
        """
        message = _parse_body(request)
        found = EncodedRequest()
        alterations = Alterations()
        for number, record in enumerate(decode_message(message, alterations), 1):
            check_records(number)
            altered = alterations.take().total()
            if isinstance(record, UnreadableRecord):
                found.reject(_UNREADABLE[record.kind])
                location = f"a request of {request.signal}"
                found.quarantine.append(self._encoder.refuse(record, request.sender, location, now))
                continue
            encoded = self._encoder.encode(record, altered, now)
            if isinstance(encoded, QuarantineRow):
                found.reject(UNENCODED)
                found.quarantine.append(encoded)
            elif isinstance(encoded, EncodedSpan):
                found.spans.append(encoded)
            elif isinstance(encoded, EncodedPoint):
                found.points.append(encoded)
            else:
                found.logs.append(encoded)
        found.points[:] = self._encoder.merge(found.points)
        return found


def _parse_body(request: ReceivedRequest) -> Mapping[str, Any]:
    """Return the message of a request as parsed JSON, with nothing of another signal in it."""
    signal = request.signal
    form = "JSON" if request.is_json else "protobuf"
    wrong = f"the body is no OTLP message of {signal} as {form}"
    if request.is_json:
        check_json(request.body)
    else:
        check_protobuf(request.body, signal)
    try:
        message: Any = (
            parse_json(request.body)
            if request.is_json
            else parse_protobuf(request.body, signal, most_messages=MOST_OBJECTS)
        )
    except TooManyMessagesError:
        raise make_size_error(MOST_OBJECTS, "objects") from None
    except MissingPackageError as error:
        raise BadRequestError(str(error)) from None
    except (ValueError, RecursionError):
        raise BadRequestError(wrong) from None
    if not isinstance(message, dict):
        raise BadRequestError(wrong)
    if request.is_json:
        check_items(request.body, message)
    top = _TOPS[signal]
    named = {key: message[key] for key in (top, name_in_proto(top)) if message.get(key) is not None}
    if not all(isinstance(value, list) for value in named.values()):
        raise BadRequestError(wrong)
    others = find_signals(message) - {signal}
    if others and not named:
        other = min(others)
        raise BadRequestError(f"the body is a message of {other}: send it to /v1/{other}, not to /v1/{signal}")
    return named
