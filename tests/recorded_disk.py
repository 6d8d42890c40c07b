# SPDX-License-Identifier: Apache-2.0
"""What a disk has after a power failure: rebuilt from a log that `recorded_writes.c` made. What was synced is there. Of
what was not, any part may be: each write, and each name, alone."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT, clean_environment

_RECORD = struct.Struct("<cHQI")


def compile_library(source: Path, folder: Path) -> Path | None:
    """Make a library in `folder` that LD_PRELOAD can name; None without a C compiler, and where it is not Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def record(program: str, folder: Path, log: Path, library: Path, *arguments: object) -> None:
    """Run a function, named as `module.function`, with `arguments`; record what it does to the files of `folder`."""
    module, _, name = program.rpartition(".")
    code = f"import sys; from {module} import {name} as program; program(*sys.argv[1:])"
    recording = {"LD_PRELOAD": str(library), "RECORDED_FOLDER": f"{folder}/", "RECORDED_LOG": str(log)}
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, env=clean_environment(**recording), check=True
    )


class Operation(NamedTuple):
    """One call: its kind (see `recorded_writes.c`), the name of the file, an offset, and data."""

    kind: str
    name: str
    offset: int
    data: bytes


def read_log(path: Path) -> Iterator[Operation]:
    """Yield the operations of a log, in order."""
    content, position = path.read_bytes(), 0
    while position < len(content):
        kind, length, offset, size = _RECORD.unpack_from(content, position)
        name_at = position + _RECORD.size
        data_at = name_at + length
        position = data_at + size
        yield Operation(kind.decode(), content[name_at:data_at].decode(), offset, content[data_at:position])


class _Content:
    """One file: what is on the disk, and what is on its way there."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.pending: list[Operation] = []

    def sync(self) -> None:
        for operation in self.pending:
            _apply(self.synced, operation)
        self.pending.clear()

    def cut(self, keeps: Callable[[], bool]) -> bytes:
        content = bytearray(self.synced)
        for operation in self.pending:
            if keeps():
                _apply(content, operation)
        return bytes(content)


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind == "t":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    end = operation.offset + len(operation.data)
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = operation.data


class RecordedDisk:
    """A folder, to which the operations of a log are done one by one."""

    def __init__(self) -> None:
        self._names: dict[str, _Content] = {}
        self._synced_names: dict[str, _Content] = {}
        self._pending_names: list[tuple[str, _Content | None]] = []

    def do(self, operation: Operation) -> None:
        """Do one operation."""
        kind, name = operation.kind, operation.name
        if kind == "c":
            self._names[name] = _Content()
            self._pending_names.append((name, self._names[name]))
        elif kind == "u":
            self._names.pop(name, None)
            self._pending_names.append((name, None))
        elif kind == "d":
            for pending in self._pending_names:
                _name(self._synced_names, *pending)
            self._pending_names.clear()
        elif name in self._names:
            content = self._names[name]
            if kind == "s":
                content.sync()
            else:
                content.pending.append(operation)

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write into `folder` what may be left when the power fails now."""
        share = chance.choice([0.0, 0.3, 0.7, 1.0])
        for name, content in self._cut(lambda: chance.random() < share).items():
            (folder / name).write_bytes(content)

    def all_cuts(self) -> Iterator[dict[str, bytes]]:
        """Yield all that may be left when the power fails now, as contents by name. There are up to 2**n of these for n
        operations that were not synced."""
        named = [*self._synced_names.values(), *(content for _, content in self._pending_names if content is not None)]
        pending = len(self._pending_names) + sum(len(content.pending) for content in set(named))
        for kept in product((False, True), repeat=pending):
            yield self._cut(iter(kept).__next__)

    def _cut(self, keeps: Callable[[], bool]) -> dict[str, bytes]:
        names = dict(self._synced_names)
        for pending in self._pending_names:
            if keeps():
                _name(names, *pending)
        return {name: content.cut(keeps) for name, content in names.items()}


def _name(names: dict[str, _Content], name: str, content: _Content | None) -> None:
    if content is None:
        names.pop(name, None)
    else:
        names[name] = content
