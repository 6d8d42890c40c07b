# SPDX-License-Identifier: Apache-2.0
"""Cuts a file of OTLP's protobuf encoding into messages.

Three forms are read: each message after its length in 4 bytes, as the Collector's file exporter writes it; after its
length as a varint, as OpenTelemetry's specification of files has it; and one message alone, or several without anything
between them, which protobuf reads as one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from otel_sqlite_exporter.errors import UnreadableSourceError

_FIRST_FIELD = b"\x0a"  # TracesData and LogsData have only this field, and its length follows
_LARGEST_BYTES = 1 << 30


def read_frames(name: str, file: io.BufferedReader) -> Iterator[tuple[bytes, str | None]]:
    """Yield the messages of a file, each with the reason why it is not whole (None: it is).

    Raises:
        UnreadableSourceError: The file has none of the three forms.
    """
    read_header = _find_form(file.peek(16)[:16])
    if read_header is None:
        raise UnreadableSourceError(
            f"{name} is neither text nor OTLP as protobuf: nothing of it was written; if it is packed, unpack it first"
        )
    while True:
        header, length = read_header(file)
        if not header:
            return
        if length is None or length > _LARGEST_BYTES:
            # The beginning of the next message cannot be found any more.
            yield header + file.read(_LARGEST_BYTES), "no OTLP message begins here"
            continue
        content = file.read(length)
        reason = None if len(content) == length else "the file ends before the message does"
        yield (header + content if read_header is _read_field_header else content), reason


def _find_form(head: bytes) -> Callable[[io.BufferedReader], tuple[bytes, int | None]] | None:
    """Return a function that reads what stands before a message: it returns these bytes (none at the end of the file),
    and the length of the message (None: they give no length)."""
    if head[:1] == _FIRST_FIELD:
        return _read_field_header
    if head[4:5] == _FIRST_FIELD and int.from_bytes(head[:4], "big") <= _LARGEST_BYTES:
        return _read_length
    length, used = _parse_varint(head)
    return _read_varint_length if length and head[used : used + 1] == _FIRST_FIELD else None


def _read_length(file: io.BufferedReader) -> tuple[bytes, int | None]:
    raw = file.read(4)
    return raw, int.from_bytes(raw, "big") if len(raw) == 4 else None


def _read_varint_length(file: io.BufferedReader) -> tuple[bytes, int | None]:
    raw = _read_varint(file)
    return raw, _parse_varint(raw)[0]


def _read_field_header(file: io.BufferedReader) -> tuple[bytes, int | None]:
    """Read tag and length of a field, which is read as a message of its own."""
    tag = file.read(1)
    raw = _read_varint(file) if tag else b""
    return tag + raw, _parse_varint(raw)[0] if tag == _FIRST_FIELD else None


def _read_varint(file: io.BufferedReader) -> bytes:
    raw = b""
    while (byte := file.read(1)) and len(raw) < 10:
        raw += byte
        if byte < b"\x80":
            break
    return raw


def _parse_varint(raw: bytes) -> tuple[int | None, int]:
    """Return the number at the beginning of `raw` and the number of its bytes; None if it is not whole."""
    number = 0
    for place, byte in enumerate(raw[:10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, place + 1
    return None, 0
