# SPDX-License-Identifier: Apache-2.0
"""Reads files that can be imported: recognises the format by the content, unpacks gzip, and cuts the file into lines,
documents or messages.

A file whose first hundred lines have no known format is refused before anything of it is written.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

import orjson

from otel_sqlite_exporter.errors import UnreadableSourceError
from otel_sqlite_exporter.imports.event_logs import is_event
from otel_sqlite_exporter.imports.protobuf_files import read_frames
from otel_sqlite_exporter.otlp.otlp_decoder import find_signals
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf

STANDARD_INPUT = "-"
_GZIP, _ZSTD, _UTF8_MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
_SQLITE = b"SQLite format 3\0"
_BUFFER_BYTES, _PEEKED_BYTES, _LOOKED_AT_LINES = 1 << 20, 256, 100
_BEYOND_64_BITS = re.compile(rb"[:,\[]\s*(?:-[0-9]{19}|[0-9]{20})")
_ZEROS = bytes(0x30 if 0x30 <= byte < 0x3A else byte for byte in range(256))
_TWENTY, _MINUS_NINETEEN = b"0" * 20, b"-" + b"0" * 19
_NOT_SPACE = re.compile(r"\S")


class SourcePiece(NamedTuple):
    """A line, document or message of a source: its bytes, by which it is recognised; its parsed JSON, or its content as
    text and the reason why it cannot be parsed; and its location, for messages. `is_finished` is False for a last line
    without an end."""

    content: bytes
    value: Any
    refusal: str | None
    location: str
    is_finished: bool = True


class ImportSource:
    """An open source. `position` and `size` are bytes of the file as it is stored, packed or not; a `size` of None is
    unknown.

    Raises:
        UnreadableSourceError: It is a SQLite file, or packed with zstd.
    """

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._stored = _Counted(file)
        self.size = _find_size(file)
        start = self._stored.peek(_PEEKED_BYTES)
        if start.startswith(_SQLITE):
            raise UnreadableSourceError(f"{name} is a SQLite file: to write to it, give `--into {name}`")
        if start.startswith(_ZSTD):
            raise UnreadableSourceError(
                f"{name} is compressed with zstd: unpack it, as in `zstd -dc {name} | python -m otel_sqlite_exporter "
                "import -`"
            )
        unpacked: Any = gzip.GzipFile(fileobj=self._stored) if start.startswith(_GZIP) else self._stored
        self._file = io.BufferedReader(unpacked, _BUFFER_BYTES)

    @property
    def position(self) -> int:
        """The number of bytes that were read."""
        return self._stored.count

    def read_pieces(self) -> Iterator[SourcePiece]:
        """Yield the pieces in order, without blank lines.

        Raises:
            UnreadableSourceError: The beginning has no known format, or a packed file is cut off or damaged.
            MissingPackageError: The source is protobuf, and opentelemetry-proto is not installed.
            OSError: The source cannot be read.
        """
        try:
            if _is_binary(self._file.peek(_PEEKED_BYTES)[:_PEEKED_BYTES]):
                for number, (frame, reason) in enumerate(read_frames(self.name, self._file), 1):
                    yield _parse_frame(frame, reason, f"message {number}")
                return
            lines, is_known = _read_first_lines(self._file)
            if is_known or not lines:
                yield from _parse_lines(chain(lines, iter(self._file.readline, b"")))
                return
            content = b"".join(lines) + self._file.read()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableSourceError(
                f"{self.name} is damaged ({error}): everything before the damage was imported"
            ) from error
        documents = _parse_documents(content.removeprefix(_UTF8_MARK))
        if not any(map(is_known_format, documents)):
            raise UnreadableSourceError(
                f"{self.name} has no format that can be imported: give a file of OTLP as JSON or protobuf, or of JSON "
                "lines with a name and a timestamp; nothing of it was written"
            )
        yield SourcePiece(content, documents, None, "the document")


@contextmanager
def open_source(name: str) -> Iterator[ImportSource]:
    """Open the file of this name, or standard input for `-`.

    Raises:
        UnreadableSourceError: It is a SQLite file, packed with zstd, or closed.
        OSError: It cannot be opened.
    """
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise UnreadableSourceError("standard input is closed: give a file")
        yield ImportSource("standard input", sys.stdin.buffer)
        return
    with open(name, "rb", buffering=0) as file:
        yield ImportSource(name, file)


def check_source(name: str) -> None:
    """Raise what `open_source` would raise. A pipe is not opened, because its beginning would be lost."""
    if name != STANDARD_INPUT and not stat.S_ISFIFO(mode := os.stat(name).st_mode) and not stat.S_ISCHR(mode):
        with open_source(name):
            pass


def parse_json(content: bytes) -> Any:
    """Return the parsed value of `content`.

    Raises:
        ValueError: `content` is not JSON.
    """
    why = ""
    if not _has_large_number(content):  # orjson rounds these
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            why = str(error)
    # Python's own writer makes NaN, Infinity and escapes of lone surrogates, which orjson refuses. A byte that is not
    # UTF-8 becomes such a surrogate too, so it costs only its place in its text.
    try:
        return json.loads(content.decode(errors="surrogateescape"), parse_int=_parse_integer)
    except (ValueError, RecursionError) as error:
        raise ValueError(why or str(error)) from None


def _has_large_number(content: bytes) -> bool:
    digits = content.translate(_ZEROS)  # ten times as fast as the expression, which few lines need
    return (_TWENTY in digits or _MINUS_NINETEEN in digits) and _BEYOND_64_BITS.search(content) is not None


def _parse_integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python does not convert thousands of digits (sys.set_int_max_str_digits)
        return digits


def is_known_format(value: Any) -> bool:
    """Return whether a parsed JSON value is an OTLP message, a line of an event log, or a list with one of these."""
    if isinstance(value, list):
        return any(map(is_known_format, value))
    return bool(find_signals(value)) or is_event(value)


def _is_binary(head: bytes) -> bool:
    """Whether a file is not text: protobuf has control characters among the first bytes."""
    return any(byte < 0x20 and byte not in b"\t\n\r" for byte in head)


def _read_first_lines(file: io.BufferedReader) -> tuple[list[bytes], bool]:
    """Return the lines up to the first one with a known format, and whether one of the first hundred has one."""
    lines: list[bytes] = []
    for line in islice(iter(file.readline, b""), _LOOKED_AT_LINES):
        lines.append(line)
        try:
            if is_known_format(parse_json(_strip(line))):
                return lines, True
        except ValueError:
            continue
    return lines, not b"".join(lines).strip()


def _parse_lines(lines: Iterable[bytes]) -> Iterator[SourcePiece]:
    for number, line in enumerate(lines, 1):
        content = _strip(line)
        if not content:
            continue
        refusal = None
        try:
            value = parse_json(content)
        except ValueError as error:
            value, refusal = content.decode(errors="replace"), f"it is not JSON: {error}"
        yield SourcePiece(content, value, refusal, f"line {number}", refusal is None or line.endswith(b"\n"))


def _parse_frame(frame: bytes, refusal: str | None, location: str) -> SourcePiece:
    value: Any = None
    try:
        value = parse_protobuf(frame) if refusal is None else None
    except ValueError as error:
        refusal = str(error)
    return SourcePiece(frame, value if refusal is None else base64.b64encode(frame).decode(), refusal, location)


def _strip(line: bytes) -> bytes:
    return line.removeprefix(_UTF8_MARK).strip()


def _parse_documents(content: bytes) -> list[Any]:
    """Return the JSON documents in `content`, one after the other or in arrays; none if it is anything else."""
    try:
        whole = orjson.loads(content)
        return whole if isinstance(whole, list) else [whole]
    except orjson.JSONDecodeError:
        pass
    documents = []
    decode = json.JSONDecoder().raw_decode
    try:
        text = content.decode()
        position = len(text) - len(text.lstrip())
        while position < len(text):
            document, end = decode(text, position)
            documents += document if isinstance(document, list) else [document]
            following = _NOT_SPACE.search(text, end)
            position = following.start() if following else len(text)
    except (ValueError, RecursionError):
        return []
    return documents


def _find_size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Counted(io.RawIOBase):
    """Reads another file, as much as it has ready at a time, and counts the bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._read = getattr(file, "read1", file.read)
        self._peeked = b""
        self.count = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes (fewer at the end) without reading past them."""
        while len(self._peeked) < size and (more := self._read(size - len(self._peeked))):
            self._peeked += more
        return self._peeked

    def readinto(self, buffer: Any) -> int:
        part = self._peeked[: len(buffer)] or self._read(len(buffer)) or b""
        self._peeked = self._peeked[len(part) :]
        buffer[: len(part)] = part
        self.count += len(part)
        return len(part)
