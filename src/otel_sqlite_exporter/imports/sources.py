# SPDX-License-Identifier: Apache-2.0
"""Reads files that can be imported: unpacks them, tells text from messages, and cuts them into documents or messages.

A file whose first hundred documents have no known format is refused before anything of it is written.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from otel_sqlite_exporter.errors import UnreadableSourceError
from otel_sqlite_exporter.imports.byte_streams import ByteStream, read_as_utf8
from otel_sqlite_exporter.imports.formats.document_formats import explain_refusal, is_known_format
from otel_sqlite_exporter.imports.formats.foreign_records import name_foreign_text
from otel_sqlite_exporter.imports.json_documents import JsonDocuments
from otel_sqlite_exporter.imports.message_frames import read_messages
from otel_sqlite_exporter.imports.reading_limits import ReadingLimits
from otel_sqlite_exporter.imports.source_pieces import SourcePiece
from otel_sqlite_exporter.imports.unpacking import Unpacker, find_packing
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.storage.identity import refuse_folder

STANDARD_INPUT = "-"
_SQLITE, _ZIP = b"SQLite format 3\0", b"PK\x03\x04"
_TAR_AT, _TAR = 257, b"ustar"
_PEEKED_BYTES, _LOOKED_AT_PIECES = 512, 100
_TEXT_CONTROLS = b"\t\n\r\x1b"
# After a length and its first tag, which may look like `{` and a line feed, protobuf has a length and another tag.
_JSON_START = re.compile(rb'\{\s*\}|\[\s*[{\[\]]|[{\[]\s*"(?![\n\x12\x1a])')

_ENDS_EARLY = "unexpected end of data"
"""What orjson says of JSON without an end."""


class ImportSource:
    """An open source. `position` and `size` are bytes of the file as it is stored, packed or not; a `size` of None is
    unknown. `damages` says why it was not read to its end, as far as it has been read.

    Raises:
        UnreadableSourceError: It is a SQLite file, or an archive.
        MissingPackageError: It is packed with zstd, and there is no package for that.
    """

    def __init__(self, name: str, file: BinaryIO, limits: ReadingLimits | None = None) -> None:
        self.name = name
        self._limits = limits or ReadingLimits()
        self._stored = ByteStream(getattr(file, "read1", file.read))
        self.size = _find_size(file)
        start = self._stored.peek(_PEEKED_BYTES)
        if start.startswith(_SQLITE):
            raise UnreadableSourceError(f"{name} is a SQLite file: to write to it, give `--into {name}`")
        if start.startswith(_ZIP):
            raise UnreadableSourceError(
                f"{name} is a zip archive: unpack it, as in `unzip -p {name} | python -m otel_sqlite_exporter import -`"
            )
        self._text: JsonDocuments | None = None
        self._unpacker: Unpacker | None = None
        self._file = self._stored
        if (packing := find_packing(start)) is not None:
            self._unpacker = Unpacker(self._stored, packing, self._limits.unpacking_ratio)
            self._file = ByteStream(self._unpacker.read)

    @property
    def position(self) -> int:
        """The number of bytes that were read."""
        return self._stored.count

    @property
    def damages(self) -> list[str]:
        """What is wrong with the source as a whole: sentences without values."""
        found = []
        if self._unpacker is not None and self._unpacker.damage:
            found.append(f"{self._unpacker.damage}; everything before was read")
        elif self._text is not None and self._text.open_arrays:
            found.append("its array has no end, so it may be cut short; everything before was read")
        return found

    def read_pieces(self) -> Iterator[SourcePiece]:
        """Yield the pieces in order, without blank lines.

        Raises:
            UnreadableSourceError: The beginning has no known format.
            MissingPackageError: A package to read it is not installed.
            OSError: The source cannot be read.
        """
        unknown: list[SourcePiece] = []
        size, is_known = 0, False
        for piece in self._cut():
            if not piece.is_finished and self._unpacker is not None and self._unpacker.damage:
                piece = piece._replace(refusal="the packed data end before it does", is_kept=False)
            if not is_known:
                unknown.append(piece)
                is_known = piece.refusal is None and is_known_format(piece.value)
                size += len(piece.content)
                if not is_known and (len(unknown) == _LOOKED_AT_PIECES or size > self._limits.document_bytes):
                    break
                if is_known:
                    yield from unknown
                continue
            yield piece
        if not is_known and (unknown or self.damages):
            self._refuse(unknown)

    def _cut(self) -> Iterator[SourcePiece]:
        head = self._file.peek(_PEEKED_BYTES)
        if head[_TAR_AT:].startswith(_TAR):
            raise UnreadableSourceError(
                f"{self.name} is a tar archive: unpack it, as in `tar -xOf {self.name} | python -m "
                "otel_sqlite_exporter import -`"
            )
        text = read_as_utf8(self._file)
        if _is_binary(text.peek(_PEEKED_BYTES)):
            yield from read_messages(self.name, self._file, self._limits)
            return
        self._text = JsonDocuments(text, self._limits)
        yield from self._text.read()

    def _refuse(self, pieces: list[SourcePiece]) -> None:
        damage = self.damages[0].partition(";")[0] if self._unpacker is not None and self.damages else None
        if damage:
            raise UnreadableSourceError(f"{self.name} is damaged: {damage}; nothing before that could be read")
        values = [piece.value for piece in pieces if piece.refusal is None]
        advice = explain_refusal(values) or name_foreign_text(str(pieces[0].value))
        if advice:
            raise UnreadableSourceError(f"{self.name} {advice}; nothing of it was written")
        if not pieces[-1].is_finished and _ENDS_EARLY in (pieces[-1].refusal or ""):
            where = pieces[-1].location
            raise UnreadableSourceError(
                f"{self.name} is cut short: its JSON at {where} has no end; nothing was written"
            )
        too_large = next((piece for piece in pieces if (piece.refusal or "").startswith("it is not read")), None)
        if too_large is not None:
            raise UnreadableSourceError(f"{self.name}: {too_large.location}: {too_large.refusal}")
        raise UnreadableSourceError(
            f"{self.name} has no format that can be imported: give a file of OTLP as JSON or protobuf, or of JSON "
            f"lines with a name and a timestamp; {count(len(pieces), 'document was', 'documents were')} looked at, "
            "nothing of it was written"
        )


@contextmanager
def open_source(name: str, limits: ReadingLimits | None = None) -> Iterator[ImportSource]:
    """Open the file of this name, or standard input for `-`.

    Raises:
        UnreadableSourceError: It is a SQLite file, an archive, or closed.
        MissingPackageError: It is packed with zstd, and there is no package for that.
        OSError: It cannot be opened.
    """
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise UnreadableSourceError("standard input is closed: give a file")
        yield ImportSource("standard input", sys.stdin.buffer, limits)
        return
    with open(name, "rb", buffering=0) as file:
        yield ImportSource(name, file, limits)


def check_source(name: str) -> None:
    """Raise what `open_source` would raise, or ForeignFileError for a folder. A pipe is not opened, because its
    beginning would be lost."""
    if name != STANDARD_INPUT and not stat.S_ISFIFO(mode := os.stat(name).st_mode) and not stat.S_ISCHR(mode):
        refuse_folder(name)
        with open_source(name):
            pass


def _is_binary(head: bytes) -> bool:
    """Whether a file is not text: protobuf has control characters among the first bytes. So may a text that begins as
    JSON does, where a crash left a block of zeros, for example."""
    return _JSON_START.match(head) is None and any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head)


def _find_size(file: BinaryIO) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
