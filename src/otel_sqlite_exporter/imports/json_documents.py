# SPDX-License-Identifier: Apache-2.0
"""Cuts a text into its JSON documents, in any layout: a document a line, documents over many lines, several on one
line, arrays of documents. No more than one document is in memory.

A line that is a document is parsed as it is, which is fast. For any other document the brackets are followed to its
end. A document that is broken costs itself: reading goes on at the next line that begins as it does.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum

from otel_sqlite_exporter.imports.byte_streams import ByteStream
from otel_sqlite_exporter.imports.reading_limits import MIB, SHOWN_BYTES, ReadingLimits
from otel_sqlite_exporter.imports.source_pieces import SourcePiece
from otel_sqlite_exporter.otlp.parsed_json import parse_json

_BLANK = re.compile(rb"[ \t\r\n\0]*+(?:\xef\xbb\xbf[ \t\r\n\0]*+)*+")
_BETWEEN = re.compile(rb"[ \t\r\n\0,\[\]]*+(?:\xef\xbb\xbf[ \t\r\n\0,\[\]]*+)*+")
_TEXT = rb'[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+'
_ELEMENT = re.compile(rb'"' + _TEXT + rb'"|[^,\]\n]*+')
# Up to the next bracket outside texts, or to the quote of a text without an end.
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"' + _TEXT + rb'"[^"{}\[\]]*+)*+([{}\[\]"])')
_NEXT = re.compile(rb"[ \t\r\n]*+([^ \t\r\n])")
_IN_TEXT, _OUTSIDE = re.compile(_TEXT), re.compile(rb'[^"{}\[\]]*+')
_DECODER = json.JSONDecoder()
_SMALLEST_WINDOW, _LONGEST_TOKEN = 2_048, 16
_UP_TO_NEWLINE = re.compile(rb"[^\n]*+")
_LONGEST_LINE, _LONGEST_INDENT = MIB, 256
_AFTER = {b"{": (b'"',), b"}": (b",", b"]", b"}"), b"[": (b"{",), b"]": (b",", b"]", b"}"), b'"': ()}  # most often
_OPENING, _CLOSING = b"{[", b"]}"


class _End(Enum):
    """Why a document was not read to its end."""

    BROKEN = "what follows is not JSON"
    UNFINISHED = "the text ends"
    TOO_LARGE = "it is too large"


class JsonDocuments:
    """The documents of a text. `open_arrays` is the number of arrays around documents that have no end."""

    def __init__(self, stream: ByteStream, limits: ReadingLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._buffer = b""
        self._at = 0
        self._is_at_end = False
        self._line, self._bytes_before = 1, 0  # the line of the next character; bytes before the buffer
        self._indent: bytes | None = b""  # what stands before the next character in its line; None: not only blanks
        self._usual_bytes = _SMALLEST_WINDOW  # a document has about so many, by those before it
        self._bytes_in_vain = 0
        self.open_arrays = 0

    def read(self) -> Iterator[SourcePiece]:
        """Yield the documents in order, and what is none."""
        while True:
            self._skip(_BLANK)
            if self._at == len(self._buffer):
                return
            first = self._buffer[self._at : self._at + 1]
            if self._indent is not None and first in _OPENING and (piece := self._read_line()) is not None:
                yield piece
            elif first in b",]" or (first == b"[" and self._begins_array()):
                self._skip(_BETWEEN)
            elif first == b"{" and not self._is_by_lines:
                yield self._read_document()
            else:
                yield self._read_token()

    @property
    def _is_by_lines(self) -> bool:
        """Whether so much was looked through in vain that documents over several lines are no longer looked for. Else
        the time could grow with the square of the size."""
        return self._bytes_in_vain > 8 * MIB + 4 * (self._bytes_before + self._at)

    def _skip(self, pattern: re.Pattern[bytes]) -> None:
        """Go past what matches."""
        while True:
            match = pattern.match(self._buffer, self._at)
            skipped = match.group() if match else b""
            if pattern is _BETWEEN:
                self.open_arrays = max(0, self.open_arrays + skipped.count(b"[") - skipped.count(b"]"))
            before = b"" if b"\n" in skipped else self._indent
            self._consume(self._at + len(skipped))
            if before is not None:
                indent = before + skipped[skipped.rfind(b"\n") + 1 :]
                self._indent = None if indent.strip(b" \t\r\0\xef\xbb\xbf") else indent[:_LONGEST_INDENT]
            if self._at + 3 < len(self._buffer) or not self._extend():  # a byte order mark has 3 bytes
                return

    def _begins_array(self) -> bool:
        """Whether the bracket is that of an array of documents, and not of a text such as `[today] done`."""
        if self.open_arrays or self._indent is None:
            return True
        while (match := _BETWEEN.match(self._buffer, self._at)) and match.end() == len(self._buffer):
            if len(self._buffer) - self._at > MIB or not self._extend():
                return True
        return match is not None and self._buffer[match.end()] in b'{"'

    def _read_line(self) -> SourcePiece | None:
        """Return the line as a piece, without the comma between the elements of an array; None if it is none."""
        end = self._find_newline(_LONGEST_LINE)
        if end is None or end - self._at > _LONGEST_LINE:  # not how much was read decides
            return None
        content = self._buffer[self._at : end].rstrip(b" \t\r\n\0,")
        if len(content) < 2 or len(content) > self._limits.document_bytes:
            return None
        try:
            piece = SourcePiece(content, parse_json(content), None, self._locate())
        except ValueError:
            return None
        self._consume(end)
        return piece

    def _read_document(self) -> SourcePiece:
        location, indent = self._locate(), self._indent
        decoded = self._decode()
        end = self._find_end() if decoded is None else decoded
        if end is _End.TOO_LARGE:
            return self._pass_over(location)
        if isinstance(end, int):
            return _parse(self._take(end), location)
        content = self._take(self._find_next_start(indent))
        is_last = self._at == len(self._buffer)
        self._indent = b""
        return _parse(content.rstrip(), location, is_finished=not is_last)

    def _decode(self) -> int | None:
        """Return where the document ends that begins here, by Python's own decoder; None if it does not find the end.
        It is 30 times as fast as `_find_end`."""
        size = 2 * self._usual_bytes
        while size <= self._limits.document_bytes:
            while len(self._buffer) - self._at < size and self._extend():
                pass
            try:
                text, _ = codecs.utf_8_decode(self._buffer[self._at : self._at + size], "strict", False)
                _, end = _DECODER.raw_decode(text)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(text) - _LONGEST_TOKEN or error.msg.startswith("Unterminated")
                if not is_cut or len(self._buffer) - self._at < size:
                    return None
                size *= 4
            except (ValueError, RecursionError):
                return None
            else:
                length = end if text.isascii() else len(text[:end].encode())
                self._usual_bytes = max(_SMALLEST_WINDOW, length)
                return self._at + length
        return None

    def _find_end(self) -> int | _End:
        """Return where the document ends that begins here, by its brackets."""
        place, depth = self._at, 0
        while True:
            match = _BRACKET.match(self._buffer, place)
            if match is None or (match[1] == b'"' and self._buffer.find(b"\n", match.end()) < 0):
                if len(self._buffer) - self._at > self._limits.document_bytes:
                    return _End.TOO_LARGE
                place -= self._at
                if not self._extend():
                    self._bytes_in_vain += len(self._buffer) - self._at
                    return _End.UNFINISHED
                place += self._at
                continue
            place, bracket = match.end(), match[1]
            depth += 1 if bracket in _OPENING else -1
            if depth == 0 and bracket in _CLOSING:
                return place if place - self._at <= self._limits.document_bytes else _End.TOO_LARGE
            follows = self._buffer[place : place + 1] in _AFTER[bracket] or self._may_follow(bracket, place)
            if bracket == b'"' or not follows:  # a text never goes over the end of a line
                self._bytes_in_vain += place - self._at
                return _End.BROKEN

    def _may_follow(self, bracket: bytes, place: int) -> bool:
        """Whether what follows a bracket inside a document may follow it there, as far as it has been read."""
        following = self._buffer[place : place + 1]
        if not following or following in b" \t\r\n":
            match = _NEXT.match(self._buffer, place)
            if match is None:
                return True
            following = match[1]
        if bracket == b"{":
            return following in b'"}'
        return bracket == b"[" or following in b",]}"

    def _find_next_start(self, indent: bytes | None) -> int:
        """Return where the next line begins that begins as the document here does; the end of the text if none does."""
        pattern = re.compile(rb"\n" + re.escape(indent or b"") + rb"(?=[{\[])")
        place = 0
        while True:
            match = pattern.search(self._buffer, self._at + place)
            if match is not None:
                return match.start() + 1
            place = max(0, len(self._buffer) - self._at - _LONGEST_INDENT - 2)
            if len(self._buffer) - self._at > self._limits.document_bytes or not self._extend():
                return len(self._buffer)

    def _read_token(self) -> SourcePiece:
        """Read what is no object: the rest of the line, or in an array up to the comma."""
        location = self._locate()
        end = self._find_newline(self._limits.document_bytes)
        if end is None:
            return self._pass_over(location)
        if self.open_arrays and not self._is_by_lines:
            match = _ELEMENT.match(self._buffer, self._at, end)
            end = max(match.end() if match else end, self._at + 1)
        is_last = end == len(self._buffer)
        piece = _parse(self._take(end).rstrip(), location, is_finished=not is_last)
        return piece if piece.refusal is None else _parse_after_words(piece)

    def _find_newline(self, limit: int) -> int | None:
        """Return where the line ends; None if that is further than `limit`."""
        looked_at = 0
        while (end := self._buffer.find(b"\n", self._at + looked_at)) < 0:
            looked_at = len(self._buffer) - self._at
            if looked_at > limit:
                return None
            if not self._extend():
                return len(self._buffer)
        return end

    def _pass_over(self, location: str) -> SourcePiece:
        """Read past a document that is too large, to its end, or to the end of its line if it is no object."""
        shown = _show(self._buffer[self._at : self._at + SHOWN_BYTES])
        digest, depth, is_in_text = hashlib.blake2b(digest_size=16), 0, False
        is_object = self._buffer[self._at : self._at + 1] == b"{"
        end = self._at
        while True:
            pattern = _UP_TO_NEWLINE if not is_object else _IN_TEXT if is_in_text else _OUTSIDE
            match = pattern.match(self._buffer, end)
            end = match.end() if match else end
            if end + is_in_text >= len(self._buffer):  # an escape in a text has two characters
                digest.update(self._take(end))
                if not self._extend():
                    end = len(self._buffer)
                    break
                end = self._at
                continue
            character, end = self._buffer[end : end + 1], end + 1
            if character == b'"' and is_object:
                is_in_text = not is_in_text
            elif is_in_text or not is_object:  # the end of the line
                break
            else:
                depth += 1 if character in _OPENING else -1
                if depth == 0:
                    break
        digest.update(self._take(end))
        limit = self._limits.document_bytes // MIB
        reason = f"it is not read: it is larger than {limit} MiB; `--largest-document` sets another limit"
        return SourcePiece(digest.digest(), shown, reason, location)

    def _locate(self) -> str:
        line = f"line {self._line}"
        return line if self._indent is not None else f"{line}, byte {self._bytes_before + self._at + 1} of the text"

    def _take(self, end: int) -> bytes:
        content = self._buffer[self._at : end]
        self._consume(end)
        return content

    def _consume(self, end: int) -> None:
        self._line += self._buffer.count(b"\n", self._at, end)
        if end > self._at:
            self._indent = None
        self._at = end

    def _extend(self) -> bool:
        """Read more of the text, and forget what was consumed; return whether there was more."""
        waiting = len(self._buffer) - self._at
        if self._is_at_end:
            return False
        # A large document in large steps, so that it is not copied for each small one.
        more = self._stream.read(MIB) if waiting < MIB else self._stream.read_fully(waiting)
        self._is_at_end = not more
        self._bytes_before += self._at
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)


def _parse(content: bytes, location: str, *, is_finished: bool = True) -> SourcePiece:
    try:
        return SourcePiece(content, parse_json(content), None, location)
    except ValueError as error:
        return SourcePiece(content, content.decode(errors="replace"), f"it is not JSON: {error}", location, is_finished)


def _parse_after_words(piece: SourcePiece) -> SourcePiece:
    """Read a line of a log, such as `INFO: {...}`, as the document at its end; itself if it has none."""
    start = piece.content.find(b"{")
    value = None
    if start > 0:
        with suppress(ValueError):
            value = parse_json(piece.content[start:])
    return piece._replace(value=value, refusal=None, is_finished=True) if isinstance(value, dict) else piece


def _show(content: bytes) -> str:
    return content[:SHOWN_BYTES].decode(errors="replace")
