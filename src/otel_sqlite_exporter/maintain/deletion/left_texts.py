# SPDX-License-Identifier: Apache-2.0
"""Says where texts are left: in a database, in what SQLite and this package keep beside it, and in copies."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.deliver.spool import read_contents
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.maintain.deletion.beside_files import BesideFile, find_beside
from otel_sqlite_exporter.maintain.deletion.page_space import DatabasePages
from otel_sqlite_exporter.maintain.deletion.searched_tables import Place, search_tables
from otel_sqlite_exporter.maintain.deletion.text_forms import TextForms
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.system.raw_bytes import RawBytes, open_raw
from otel_sqlite_exporter.storage.system.system_files import BINARY, NO_LINK, find_real_path

FREE_SPACE = "free space"
_USED_PAGES = "pages in use"
_CONTENT = "content"
_PIECE_BYTES = 1 << 20
_LOG_MAGIC = b"\x37\x7f\x06"
_LOG_HEADER, _FRAME_HEADER = 32, 24
_SQLITE_MAGIC = b"SQLite format 3\0"
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")


class LeftText(NamedTuple):
    """A text that is left: in which file, at which place in it, and how often; in a table, in how many rows. Places are
    TABLE.COLUMN, a full-text index, `free space` (SQLite has freed it and not overwritten it), `pages in use` (in no
    table, such as an index), or `content`."""

    text: str
    path: str
    kind: str
    place: str
    found: int


class Verification(NamedTuple):
    """What `find_left` found, how many files and bytes it looked at, and the files that it could not look into."""

    left: tuple[LeftText, ...]
    files: int
    bytes: int
    unread: tuple[str, ...]


def find_left(
    path: str,
    texts: Sequence[str],
    *,
    busy_timeout_ms: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Verification:
    """Look for `texts` in the database at `path` and in the files beside it. `progress` is called with the bytes that
    are done, and of all.

    Raises:
        DamagedFileError: SQLite cannot read the database.
        sqlite3.Error, OSError: A file cannot be read.
    """
    main = BesideFile(find_real_path(path), "file", os.stat(path).st_size)
    files = [main, *find_beside(path)]
    search = _Search([TextForms(text) for text in texts], busy_timeout_ms, sum(file.bytes for file in files), progress)
    unread = [file.path for file in files if not search.look_into(file, is_main=file is main)]
    return Verification(tuple(search.left), len(files) - len(unread), search.of // 2, tuple(unread))


def find_in_free_space(path: str, texts: Sequence[str], progress: Callable[[int], None]) -> Counter[int]:
    """Return how often the texts stand in the free space of the database at `path`, by their places in `texts`.
    `progress` is called with numbers of bytes that were read.

    Raises:
        OSError: The file cannot be read.
    """
    with open_raw(find_real_path(path), is_database=True) as raw:
        return _count_in_free_space(raw, [TextForms(text) for text in texts], progress)


class _Search:
    """A search for texts through several files."""

    def __init__(
        self, texts: Sequence[TextForms], busy_timeout_ms: int, size: int, progress: Callable[[int, int], None]
    ) -> None:
        self.left: list[LeftText] = []
        self.of = 2 * size  # a database is read by its tables and by its pages
        self._texts = texts
        self._overlap = max(text.longest for text in texts)
        self._busy_timeout_ms = busy_timeout_ms
        self._done = 0
        self._progress = progress

    def look_into(self, file: BesideFile, *, is_main: bool) -> bool:
        """Note what is left in a file, and return whether it could be looked into. One that is gone holds nothing."""
        began = self._done
        try:
            with open_raw(file.path, is_database=is_main or file.kind == "index of the write-ahead log") as raw:
                return self._look(file, raw, is_main=is_main)
        except FileNotFoundError:
            return True
        finally:
            self._done = began
            self._advance(2 * file.bytes)

    def _look(self, file: BesideFile, raw: RawBytes, *, is_main: bool) -> bool:
        beginning = raw.read(len(_SQLITE_MAGIC), 0)
        if is_main or beginning == _SQLITE_MAGIC:
            try:
                return self._look_into_database(file, raw)
            except (DamagedFileError, sqlite3.Error):
                if is_main:
                    raise
        if file.kind in ("spool", "unreadable batches of the spool"):
            self._look_into_spool(file)
        whole = self._count_raw(raw)
        self._note(file, whole)
        cut = _count_cut_in_log(raw, self._texts)
        self._note(file, Counter({place: count for place, count in cut.items() if place not in whole}))
        return not beginning.startswith(_COMPRESSED)

    def _look_into_database(self, file: BesideFile, raw: RawBytes) -> bool:
        in_tables = read_file(
            file.path,
            lambda connection: search_tables(connection, self._texts, self._advance),
            busy_timeout_ms=self._busy_timeout_ms,
        )
        self._note(file, in_tables)
        in_free_space = _count_in_free_space(raw, self._texts, self._advance)
        self._note(file, Counter({Place(number, FREE_SPACE): count for number, count in in_free_space.items()}))
        found = {number for number, _ in in_tables} | {*in_free_space}
        # What stands in a table stands in its pages, and in those of its indexes.
        elsewhere = self._count_raw(raw, but_for=found)
        self._note(file, Counter({Place(number, _USED_PAGES): count for (number, _), count in elsewhere.items()}))
        return True

    def _look_into_spool(self, file: BesideFile) -> None:
        """Note what is left in batches, which are compressed, also in those that were taken."""
        descriptor = os.open(file.path, os.O_RDONLY | BINARY | NO_LINK)
        try:
            for content in read_contents(descriptor):
                self._note(file, self._count(_inflate(content), enumerate(self._texts)))
        finally:
            os.close(descriptor)

    def _count_raw(self, raw: RawBytes, *, but_for: Collection[int] = ()) -> Counter[Place]:
        """Count the texts, but for some, in the bytes of a file."""
        wanted = [(number, text) for number, text in enumerate(self._texts) if number not in but_for]
        pieces = (piece for _, piece in raw.read_pieces(_PIECE_BYTES))
        return self._count(pieces if wanted else (), wanted)

    def _count(self, pieces: Iterable[bytes], texts: Iterable[tuple[int, TextForms]]) -> Counter[Place]:
        """Count the texts in what the pieces make together."""
        texts = list(texts)
        found: Counter[Place] = Counter()
        rest = b""
        for piece in pieces:
            joined = rest + piece
            upto = len(joined) - self._overlap
            for number, text in texts:
                found[Place(number, _CONTENT)] += sum(1 for place in text.find(joined) if place < upto)
            rest = joined[max(0, upto) :]
        for number, text in texts:
            found[Place(number, _CONTENT)] += text.count(rest)
        return +found

    def _note(self, file: BesideFile, found: Counter[Place]) -> None:
        for (number, place), count in sorted(found.items()):
            self.left.append(LeftText(self._texts[number].text, file.path, file.kind, place, count))

    def _advance(self, size: int) -> None:
        self._done += size
        self._progress(min(self._done, self.of), self.of)


def _count_in_free_space(raw: RawBytes, texts: Sequence[TextForms], progress: Callable[[int], None]) -> Counter[int]:
    """Count the texts in free space, also where SQLite has cut one that did not fit into one page."""
    found: Counter[int] = Counter()
    try:
        pages = DatabasePages(raw)
    except ValueError:
        return found
    for free in pages.find_free(progress):
        for number, text in enumerate(texts):
            found[number] += text.count(free.content) or text.count_cut(free.content, free.start, pages.may_be_page)
    return +found


def _count_cut_in_log(raw: RawBytes, texts: Sequence[TextForms]) -> Counter[Place]:
    """Count the texts that the pages in a write-ahead log hold in two parts."""
    found: Counter[Place] = Counter()
    header = raw.read(_LOG_HEADER, 0)
    page_bytes = int.from_bytes(header[8:12])
    if header[:3] != _LOG_MAGIC or not page_bytes:
        return found
    for position in range(_LOG_HEADER, raw.size, _FRAME_HEADER + page_bytes):
        page = raw.read(page_bytes, position + _FRAME_HEADER)
        for number, text in enumerate(texts):
            found[Place(number, _CONTENT)] += text.count_cut(page, 0, bool)
    return +found


def _inflate(content: bytes) -> Iterator[bytes]:
    """Yield what stands in the content of a frame, as far as it can be read, piece by piece."""
    decompressor = zlib.decompressobj()
    with contextlib.suppress(zlib.error):
        while content and not decompressor.eof:
            yield decompressor.decompress(content, _PIECE_BYTES)
            content = decompressor.unconsumed_tail
