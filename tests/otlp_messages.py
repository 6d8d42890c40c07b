# SPDX-License-Identifier: Apache-2.0
"""Messages of OTLP as bytes and as parsed JSON, sound and spoilt, for the compiled readers and the Python code to agree
on."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from google.protobuf.json_format import ParseDict
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_sqlite_exporter.model.signals import TraceStateFields
from otel_sqlite_exporter.otlp import otlp_decoder, protobuf
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf
from tests.otlp_captures import capture_files

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@contextmanager
def without_compiled_readers() -> Iterator[None]:
    """What would use them uses the Python code."""
    nothing = [patch.object(protobuf, "load_compiled"), patch.object(otlp_decoder, "_load_compiled")]
    with nothing[0] as of_protobuf, nothing[1] as of_json:
        of_protobuf.return_value = of_json.return_value = None
        yield


def show(value: Any) -> Any:
    """A value with the types of all that it holds, in a form in which NaN equals itself."""
    if isinstance(value, dict):
        header = value.to_header() if isinstance(value, TraceStateFields) else None
        return type(value), header, [(show(key), show(item)) for key, item in value.items()]
    if isinstance(value, (tuple, list)):
        return type(value), [show(item) for item in value]
    return type(value), repr(value)


def show_records(message: Mapping[str, Any]) -> list[Any]:
    """All records of a message, each with what was altered before it."""
    alterations, shown = Alterations(), []
    for record in decode_message(message, alterations):
        shown.append((show(record), alterations.take(), alterations.take_unknown()))
    return [*shown, (alterations.take(), alterations.take_unknown())]


def show_protobuf(content: bytes, signal: str | None) -> Any:
    """The records of a message in bytes, or why it is none."""
    try:
        return show_records(parse_protobuf(content, signal))
    except ValueError as error:
        return str(error)


def read_captured_messages() -> Iterator[Any]:
    """All messages of the captures of OTLP, parsed."""
    for name in capture_files.list_captures():
        yield from map(json.loads, capture_files.read_capture(name).lines)


_KINDS = {"resourceLogs": LogsData, "resourceSpans": TracesData, "resourceMetrics": MetricsData}


def as_protobuf(message: Any) -> bytes:
    """A message of OTLP's JSON as protobuf."""
    kind: Any = next(kind for top, kind in _KINDS.items() if top in message)
    made: bytes = ParseDict(_with_base64(message), kind(), ignore_unknown_fields=True).SerializeToString()
    return made


def _with_base64(message: Any) -> Any:
    if isinstance(message, Mapping):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key.endswith("Id") else _with_base64(item)
            for key, item in message.items()
        }
    return [*map(_with_base64, message)] if isinstance(message, list) else message


def write_varint(number: int) -> bytes:
    written = b""
    while number > 127:
        written, number = written + bytes([number & 127 | 128]), number >> 7
    return written + bytes([number])


def write_field(number: int, kind: int, value: Any) -> bytes:
    """A field of the wire format."""
    tag = write_varint(number << 3 | kind)
    if kind == VARINT:
        return tag + write_varint(value)
    if kind == BYTES:
        return tag + write_varint(len(value)) + bytes(value)
    return tag + int(value).to_bytes(8 if kind == FIXED64 else 4, "little")


# The first half of each is sound.
_ENUMERATION = (0, 1, 2, 3, 6, 24, 25, 2**32 + 1)
_COUNTS = (0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 2**32 + 1)
_TIMES = (0, 1, 10**18, 2**63 - 1, 2**63, 2**64 - 1, 2**63 + 1, 2**64 - 2)
_FLAGS = (0, 1, 257, 769, 2**32 - 1, 2**31, 256, 512)
_FLAG = (0, 1, 2, 2**63)
_LONGS = (0, 1, 2**63, 2**64 - 1)
_TEXTS = (
    *(b"", b"a", b"service.name", b"gen_ai.operation.name", "é\0😀".encode(), b"x" * 64, b"x" * 65),
    *(b"\xff", b"\xed\xa0\x80", b"\xf0\x9f", b"a\xe9", b"\xc0\x80", b"\xf5", b"\x80"),
)
_TRACE_IDS = (b"\x01" * 16, b"\x02" * 16, b"\x02" * 16, b"\0" * 16, b"", b"\x01" * 15)
_SPAN_IDS = (b"\x01" * 8, b"\xff" * 8, b"\x02" * 8, b"\0" * 8, b"", b"\x01" * 7)
_NO_FIELDS = (b"\x0b\x0c", b"\x0b", b"\x0c", b"\x0e", b"\0", b"\x80", b"\xff" * 11, b"\x8a\x00\x01a", b"\xc2\x3e\x00")


class MessageMaker:
    """Makes TracesData and LogsData as bytes, most of them as they should be or nearly so."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # How likely a message in one has something else, and a field a value or number that it should not have.
        self._oddness = self._random.choice((0, 0, 0.01, 0.1))
        self._badness = self._random.choice((0, 0, 0.02, 0.3))

    def make(self) -> bytes:
        """A message of spans or of log records; few have other bytes somewhere, or are cut."""
        content = self._message((1, BYTES, self._group))
        if self._random.random() < 0.2:
            place = self._random.randrange(len(content) + 1)
            other = self._random.randbytes(self._random.randrange(4))
            content = content[:place] + other + content[place + self._random.randrange(4) :]
        return content

    def _message(self, *fields: tuple[int, int, Any], sure: int = 1) -> bytes:
        """A message with these fields in any order: the first `sure`, and some of the others. The value of a field is
        made by a function, or one of some, the sound ones first."""
        others = fields[sure:]
        taken = [*fields[:sure], *self._random.sample(others, self._random.randrange(len(others) + 1))]
        if self._is_bad():
            taken += self._random.choices(fields, k=2)
        self._random.shuffle(taken)
        made = [write_field(number, kind, self._pick(values)) for number, kind, values in taken]
        if self._random.random() < self._oddness:
            made.insert(self._random.randrange(len(made) + 1), self._make_odd())
        return b"".join(made)

    def _pick(self, values: Any) -> Any:
        if callable(values):
            return values()
        return self._random.choice(values if self._is_bad() else values[: len(values) // 2])

    def _is_bad(self) -> bool:
        return self._random.random() < self._badness

    def _make_odd(self) -> bytes:
        number, kind = self._random.choice((*range(1, 17), 19, 1000, 2**29 - 1)), self._random.randrange(6)
        if kind == VARINT:
            return write_field(number, kind, self._random.choice(_LONGS))
        if kind in (FIXED64, FIXED32):
            return write_field(number, kind, self._random.choice((0, 1, 2**32 - 1)))
        return (
            write_field(number, kind, self._random.choice(_TEXTS)) if kind == BYTES else self._random.choice(_NO_FIELDS)
        )

    def _group(self) -> bytes:
        return self._message((2, BYTES, self._scoped), (1, BYTES, self._resource), (3, BYTES, _TEXTS), sure=2)

    def _scoped(self) -> bytes:
        record = self._span if self._random.random() < 0.6 else self._log
        return self._message((2, BYTES, record), (1, BYTES, self._scope), (3, BYTES, _TEXTS), sure=2)

    def _resource(self) -> bytes:
        return self._message((1, BYTES, self._pair), (1, BYTES, self._pair), (2, VARINT, (0, 7)))

    def _scope(self) -> bytes:
        return self._message((1, BYTES, _TEXTS), (2, BYTES, _TEXTS), (3, BYTES, self._pair), (4, VARINT, (0, 7)))

    def _pair(self) -> bytes:
        key = bytes(self._random.choice(b"abcdefghij") for _ in range(self._random.randrange(4, 20)))
        return self._message((1, BYTES, (key, *_TEXTS[:1])), (2, BYTES, self._value), sure=2)

    def _value(self) -> bytes:
        kind = self._random.randrange(16)
        if kind == 0:
            return b""
        if kind == 1:
            return write_field(5, BYTES, b"".join(self._field(1, BYTES, self._value) for _ in range(kind)))
        if kind == 2:
            return write_field(6, BYTES, b"".join(self._field(1, BYTES, self._pair) for _ in range(kind)))
        if kind == 3 and self._is_bad():
            return self._message((1, BYTES, _TEXTS), (3, VARINT, _LONGS), sure=2)
        scalars = (
            (1, BYTES, _TEXTS),
            (2, VARINT, _FLAG),
            (3, VARINT, _LONGS),
            (4, FIXED64, _LONGS),
            (7, BYTES, _TEXTS),
        )
        return self._field(*self._random.choice(scalars))

    def _field(self, number: int, kind: int, values: Any) -> bytes:
        return write_field(number, kind, self._pick(values))

    def _span(self) -> bytes:
        return self._message(
            *((1, BYTES, _TRACE_IDS), (2, BYTES, _SPAN_IDS), (7, FIXED64, _TIMES), (8, FIXED64, _TIMES)),
            *((9, BYTES, self._pair), (9, BYTES, self._pair), (3, BYTES, _TEXTS), (4, BYTES, _SPAN_IDS)),
            *((5, BYTES, _TEXTS), (6, VARINT, _ENUMERATION), (10, VARINT, _COUNTS), (11, BYTES, self._event)),
            *((12, VARINT, _COUNTS), (13, BYTES, self._link), (14, VARINT, _COUNTS), (15, BYTES, self._status)),
            *((16, FIXED32, _FLAGS), (11, BYTES, self._event)),
            sure=5,
        )

    def _status(self) -> bytes:
        return self._message((3, VARINT, (0, 1, 2, 3, 4, 2**32 + 1)), (2, BYTES, _TEXTS))

    def _event(self) -> bytes:
        return self._message(
            (1, FIXED64, _TIMES), (2, BYTES, _TEXTS), (3, BYTES, self._pair), (4, VARINT, _COUNTS), sure=2
        )

    def _link(self) -> bytes:
        return self._message(
            *((1, BYTES, _TRACE_IDS), (2, BYTES, _SPAN_IDS), (3, BYTES, _TEXTS), (4, BYTES, self._pair)),
            *((5, VARINT, _COUNTS), (6, FIXED32, _FLAGS)),
            sure=2,
        )

    def _log(self) -> bytes:
        return self._message(
            *((1, FIXED64, _TIMES), (11, FIXED64, _TIMES), (6, BYTES, self._pair), (5, BYTES, self._value)),
            *((2, VARINT, _ENUMERATION), (3, BYTES, _TEXTS), (7, VARINT, _COUNTS), (8, FIXED32, _FLAGS)),
            *((9, BYTES, _TRACE_IDS), (10, BYTES, _SPAN_IDS), (12, BYTES, _TEXTS)),
            sure=3,
        )


BODIES = st.one_of(st.integers(0, 2**48).map(lambda seed: MessageMaker(seed).make()), st.binary(max_size=60))
"""TracesData and LogsData. Each is made of a number, as drawing all fields takes a hundred times as long."""
SIGNALS = st.sampled_from([None, "traces", "logs", "metrics"])
