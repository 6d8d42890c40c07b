# SPDX-License-Identifier: Apache-2.0
"""Cuts a file that is no text into messages.

Three forms are read: each message after its length in 4 bytes, as the Collector's file exporter writes OTLP as
protobuf, and any message that it packs with zstd; after its length as a varint, as OpenTelemetry's specification of
files has it; and one message alone, or several without anything between them, which protobuf reads as one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from otel_sqlite_exporter.errors import UnreadableSourceError
from otel_sqlite_exporter.imports.byte_streams import ByteStream
from otel_sqlite_exporter.imports.reading_limits import MIB, SHOWN_BYTES, ReadingLimits
from otel_sqlite_exporter.imports.source_pieces import SourcePiece
from otel_sqlite_exporter.imports.unpacking import ZSTD_MARK, unpack_frame
from otel_sqlite_exporter.otlp.parsed_json import parse_json
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf

_FIRST_FIELD = b"\x0a"  # TracesData and LogsData have only this field, and its length follows
_FIRST_BYTES = (_FIRST_FIELD, b"{", ZSTD_MARK)
_LARGEST_LENGTH = 1 << 30


def read_messages(name: str, file: ByteStream, limits: ReadingLimits) -> Iterator[SourcePiece]:
    """Yield the messages of a file.

    Raises:
        UnreadableSourceError: The file has none of the three forms.
        MissingPackageError: A message needs a package that is not installed.
    """
    read_header = _find_form(file.peek(16))
    if read_header is None:
        raise UnreadableSourceError(
            f"{name} is neither text nor OTLP as protobuf: nothing of it was written; if it is packed, unpack it first"
        )
    number = 0
    while True:
        header, length = read_header(file)
        if not header:
            return
        number += 1
        location = f"message {number}"
        if length is None or length > _LARGEST_LENGTH:
            # The beginning of the next message cannot be found any more.
            shown = header + file.read_fully(SHOWN_BYTES)
            skipped = file.skip(1 << 62)
            content = shown + skipped.to_bytes(8, "big")
            yield _refuse(content, shown, "no OTLP message begins here, so the rest of the file is not read", location)
            return
        if length > limits.document_bytes:
            content = header + file.read_fully(SHOWN_BYTES)
            file.skip(length - SHOWN_BYTES)
            limit = limits.document_bytes // MIB
            reason = f"it is not read: it is larger than {limit} MiB; `--largest-document` sets another limit"
            yield _refuse(content, content, reason, location)
            continue
        content = file.read_fully(length)
        if len(content) < length:
            reason = "the file ends before the message does"
            yield _refuse(content, content, reason, location)._replace(is_finished=False)
            continue
        yield _parse_message(header + content if read_header is _read_field_header else content, location, limits)


def _parse_message(content: bytes, location: str, limits: ReadingLimits) -> SourcePiece:
    try:
        message = unpack_frame(content, limits.document_bytes) if content.startswith(ZSTD_MARK) else content
        value: Any = parse_json(message) if message[:1] == b"{" else parse_protobuf(message)
    except ValueError as error:
        return _refuse(content, content, str(error), location)
    return SourcePiece(content, value, None, location)


def _refuse(content: bytes, shown: bytes, reason: str, location: str) -> SourcePiece:
    return SourcePiece(content, base64.b64encode(shown).decode(), reason, location)


def _find_form(head: bytes) -> Callable[[ByteStream], tuple[bytes, int | None]] | None:
    """Return a function that reads what stands before a message: it returns these bytes (none at the end of the file),
    and the length of the message (None: they give no length)."""
    if head[:1] == _FIRST_FIELD:
        return _read_field_header
    if head[4:].startswith(_FIRST_BYTES) and int.from_bytes(head[:4], "big") <= _LARGEST_LENGTH:
        return _read_length
    length, used = _parse_varint(head)
    return _read_varint_length if length and head[used:].startswith(_FIRST_BYTES) else None


def _read_length(file: ByteStream) -> tuple[bytes, int | None]:
    raw = file.read_fully(4)
    return raw, int.from_bytes(raw, "big") if len(raw) == 4 else None


def _read_varint_length(file: ByteStream) -> tuple[bytes, int | None]:
    raw = _read_varint(file)
    return raw, _parse_varint(raw)[0]


def _read_field_header(file: ByteStream) -> tuple[bytes, int | None]:
    """Read tag and length of a field, which is read as a message of its own."""
    tag = file.read_fully(1)
    raw = _read_varint(file) if tag else b""
    return tag + raw, _parse_varint(raw)[0] if tag == _FIRST_FIELD else None


def _read_varint(file: ByteStream) -> bytes:
    raw = b""
    while (byte := file.read_fully(1)) and len(raw) < 10:
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
