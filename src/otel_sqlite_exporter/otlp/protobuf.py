# SPDX-License-Identifier: Apache-2.0
"""From files of OTLP's protobuf encoding to messages, as its JSON encoding would have them.

Three forms are known: each message behind its length in 4 bytes, as the Collector's file exporter writes it; behind
its length as a varint, as OpenTelemetry's specification of files has it; and one message alone, or several one behind
the other, which is the same.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

from otel_sqlite_exporter.errors import MissingPackageError, UnreadableSourceError
from otel_sqlite_exporter.otlp.pieces import Piece

_FIRST_FIELD = b"\x0a"  # the only one that TracesData and LogsData have, with its length
_LARGEST_BYTES = 1 << 30
_ENDS_EARLY = "it ends before its message does"


def read_messages(name: str, file: io.BufferedReader) -> Iterator[Piece]:
    """Yield the messages of a file of one of the three forms.

    Raises:
        UnreadableSourceError: It is of none of them.
        MissingPackageError: opentelemetry-proto is not installed.
    """
    read_frame = _find_form(file.peek(16)[:16])
    if read_frame is None:
        raise UnreadableSourceError(
            f"{name} is neither text nor OTLP as protobuf: nothing of it was written; if it is packed, unpack it first"
        )
    parse = _load_parser()
    number = 0
    while True:
        number += 1
        frame, refusal = read_frame(file)
        if frame is None:
            return
        value = None
        if refusal is None:
            value, refusal = parse(frame)
        yield Piece(frame, value if refusal is None else _as_text(frame), refusal, f"message {number}")


def _find_form(head: bytes) -> Callable[[io.BufferedReader], tuple[bytes | None, str | None]] | None:
    if head[:1] == _FIRST_FIELD:
        return _read_field
    if head[4:5] == _FIRST_FIELD and int.from_bytes(head[:4], "big") <= _LARGEST_BYTES:
        return _read_after_length
    length, used = _parse_varint(head)
    return _read_after_varint if length and head[used : used + 1] == _FIRST_FIELD else None


def _read_after_length(file: io.BufferedReader) -> tuple[bytes | None, str | None]:
    length = file.read(4)
    return _read_rest(file, length, int.from_bytes(length, "big") if len(length) == 4 else None, b"")


def _read_after_varint(file: io.BufferedReader) -> tuple[bytes | None, str | None]:
    raw = _read_varint(file)
    return _read_rest(file, raw, _parse_varint(raw)[0], b"")


def _read_field(file: io.BufferedReader) -> tuple[bytes | None, str | None]:
    """Read one field of a message as a message of its own."""
    tag = file.read(1)
    raw = _read_varint(file) if tag else b""
    length = _parse_varint(raw)[0] if tag == _FIRST_FIELD else None
    return _read_rest(file, tag + raw, length, tag + raw)


def _read_rest(
    file: io.BufferedReader, begun: bytes, length: int | None, kept: bytes
) -> tuple[bytes | None, str | None]:
    """Return a message of this length, or what is there instead and why it is none; None at the end of the file."""
    if not begun:
        return None, None
    if length is None or length > _LARGEST_BYTES:
        # Where the next message begins cannot be told any more.
        rest = begun + file.read(_LARGEST_BYTES)
        return rest, "no message of OTLP begins here"
    content = file.read(length)
    return kept + content, None if len(content) == length else _ENDS_EARLY


def _read_varint(file: io.BufferedReader) -> bytes:
    raw = b""
    while (byte := file.read(1)) and len(raw) < 10:
        raw += byte
        if byte < b"\x80":
            break
    return raw


def _parse_varint(raw: bytes) -> tuple[int | None, int]:
    """Return the number that `raw` begins with, and of how many bytes it is; None where it is not whole."""
    number = 0
    for place, byte in enumerate(raw[:10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, place + 1
    return None, 0


def _load_parser() -> Callable[[bytes], tuple[Any, str | None]]:
    """Return what gives the JSON encoding of a message, or why it is none."""
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
        from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    except ImportError as error:
        raise MissingPackageError(
            f"reading OTLP as protobuf needs opentelemetry-proto ({error}): `pip install 'otel-sqlite-exporter[otlp]'`"
        ) from None

    def parse(frame: bytes) -> tuple[Any, str | None]:
        if not frame:
            return {"resourceSpans": []}, None
        for kind, is_one in ((TracesData, _holds_spans), (LogsData, _holds_logs), (MetricsData, _holds_metrics)):
            try:
                message = kind.FromString(frame)
                if is_one(message):
                    return MessageToDict(message, use_integers_for_enums=True), None
            except (DecodeError, ValueError):
                continue
        return None, "it is neither TracesData nor LogsData"

    return parse


# The three messages have the same fields down to their records, and a field of another type than expected is passed
# over. So which one it is, is told by what records of the others cannot have.
def _holds_spans(message: Any) -> bool:
    spans = [span for group in message.resource_spans for scoped in group.scope_spans for span in scoped.spans]
    return not spans or any(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)


def _holds_logs(message: Any) -> bool:
    logs = [log for group in message.resource_logs for scoped in group.scope_logs for log in scoped.log_records]
    return any(log.time_unix_nano or log.observed_time_unix_nano or log.HasField("body") for log in logs)


def _holds_metrics(message: Any) -> bool:
    groups = message.resource_metrics
    return any(metric.name for group in groups for scoped in group.scope_metrics for metric in scoped.metrics)


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()
