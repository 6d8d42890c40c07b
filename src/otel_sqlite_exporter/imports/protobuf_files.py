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
_ENDS_EARLY = "the file ends before the message does"


def read_frames(name: str, file: io.BufferedReader) -> Iterator[tuple[bytes, str | None]]:
    """Yield the messages of a file, each with the reason why it is not whole (None: it is).

    Raises:
        UnreadableSourceError: The file has none of the three forms.
    """
    read_frame = _find_form(file.peek(16)[:16])
    if read_frame is None:
        raise UnreadableSourceError(
            f"{name} is neither text nor OTLP as protobuf: nothing of it was written; if it is packed, unpack it first"
        )
    while True:
        frame, reason = read_frame(file)
        if frame is None:
            return
        yield frame, reason


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
    """Return a message of this length, or the bytes in its place and the reason; None at the end of the file."""
    if not begun:
        return None, None
    if length is None or length > _LARGEST_BYTES:
        # The beginning of the next message cannot be found any more.
        rest = begun + file.read(_LARGEST_BYTES)
        return rest, "no OTLP message begins here"
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
    """Return the number at the beginning of `raw` and the number of its bytes; None if it is not whole."""
    number = 0
    for place, byte in enumerate(raw[:10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, place + 1
    return None, 0
