# SPDX-License-Identifier: Apache-2.0
"""Where exported lines go: standard output, or a file that is there when it is whole."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.query.otlp_export import ExportedLine

STANDARD_OUTPUT = "-"


def write_lines(lines: Iterable[ExportedLine], output: str, *, source: str) -> ExportedLine:
    """Write `lines` to the file `output` (for its owner alone, as prompts are in it) or, for `-`, to standard output.
    Return what was in them, added up.

    Raises:
        ConfigurationError: `output` is the file that is read, `source`.
        OSError: It cannot be written; a file that was there is as it was.
    """
    if output == STANDARD_OUTPUT:
        done = _write(lines, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return done
    path = os.path.realpath(output)
    if path == os.path.realpath(source):
        raise ConfigurationError(f"output={output!r} cannot be used: it is the file that is read; give another")
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
