# SPDX-License-Identifier: Apache-2.0
"""Writes what is exported to standard output, or to a file that appears only when it is complete."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from typing import Protocol

from otel_sqlite_exporter.cli.formatting import JOINERS, SPACES, is_terminal
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.exports.exported_pieces import ExportedPiece
from otel_sqlite_exporter.show.visible_text import escape


class _Output(Protocol):
    def write(self, content: bytes, /) -> object: ...


class _Terminal:
    """Writes to standard output what a terminal is not steered by."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, content: bytes) -> None:
        text = escape(self._decoder.decode(content), f"\n\t{JOINERS}{SPACES}")
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def write_pieces(
    pieces: Iterable[ExportedPiece], output: str, *, source: str, is_replaced: bool = True
) -> ExportedPiece:
    """Write `pieces` to the file `output`, or to standard output if it is `-`; what a terminal gets cannot steer it. As
    they hold prompts, only the owner may read a new file. Return the sums of their counts.

    Raises:
        FilterError: `output` is the file `source`, from which they come, or one that SQLite keeps beside it, or is
            closed; or is a file that is there, and not to be replaced.
        OSError: The file cannot be written; an earlier one at its path is unchanged.
    """
    if output == "-":
        if sys.stdout is None:
            raise FilterError("output", "standard output is closed: give a file")
        done = _write(pieces, _Terminal() if is_terminal() else sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return done
    try:
        return _write_file(pieces, output, source, is_replaced)
    except OSError as error:
        error.filename = error.filename or output
        raise


def _write_file(pieces: Iterable[ExportedPiece], output: str, source: str, is_replaced: bool) -> ExportedPiece:
    from otel_sqlite_exporter.storage.system.system_files import stands_beside

    path = os.path.realpath(output)
    if path == os.path.realpath(source):
        raise FilterError("output", f"{output!r} is the file that is exported: give another")
    if stands_beside(path, source):
        raise FilterError("output", f"{output!r} belongs to the file that is exported: give another name")
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe
        with open(path, "wb") as file:
            return _write(pieces, file)
    if not is_replaced:
        _refuse_existing(path, output)
    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f"{os.path.basename(path)}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            done = _write(pieces, file)
        if not is_replaced:
            _refuse_existing(path, output)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
    return done


def _refuse_existing(path: str, output: str) -> None:
    if os.path.lexists(path):
        raise FilterError("output", f"{output!r} exists: give another name, or --force to replace it")


def _write(pieces: Iterable[ExportedPiece], file: _Output) -> ExportedPiece:
    spans = logs = left_out = marks = points = 0
    for piece in pieces:
        file.write(piece.content)
        spans += piece.spans
        logs += piece.logs
        left_out += piece.left_out
        marks += piece.marks
        points += piece.points
    return ExportedPiece(b"", spans, logs, left_out, marks, points)
