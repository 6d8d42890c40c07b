# SPDX-License-Identifier: Apache-2.0
"""Writes exported lines to standard output, or to a file that appears only when it is complete."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.otlp_export import ExportedLine


def write_lines(lines: Iterable[ExportedLine], output: str, *, source: str) -> ExportedLine:
    """Write `lines` to the file `output`, or to standard output if it is `-`. As lines hold prompts, only the owner may
    read a new file. Return the sums of their counts.

    Raises:
        FilterError: `output` is the file `source`, from which the lines come, or is closed.
        OSError: The file cannot be written; an earlier one at its path is unchanged.
    """
    if output == "-":
        if sys.stdout is None:
            raise FilterError("output", "standard output is closed: give a file")
        done = _write(lines, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return done
    try:
        return _write_file(lines, output, source)
    except OSError as error:
        error.filename = error.filename or output
        raise


def _write_file(lines: Iterable[ExportedLine], output: str, source: str) -> ExportedLine:
    path = os.path.realpath(output)
    if path == os.path.realpath(source):
        raise FilterError("output", f"{output!r} is the file that is exported: give another")
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe
        with open(path, "wb") as file:
            return _write(lines, file)
    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f"{os.path.basename(path)}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            done = _write(lines, file)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
    return done


def _write(lines: Iterable[ExportedLine], file: BinaryIO) -> ExportedLine:
    spans = logs = left_out = 0
    for line in lines:
        if line.spans or line.logs:
            file.write(line.content)
            file.write(b"\n")
        spans += line.spans
        logs += line.logs
        left_out += line.left_out
    return ExportedLine(b"", spans, logs, left_out)
