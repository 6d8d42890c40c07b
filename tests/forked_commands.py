# SPDX-License-Identifier: Apache-2.0
"""Commands in processes of their own that start at once: forks of a process that has imported what they need.

Such a command can be killed when it has used so much CPU. Unlike a moment of a clock, that is the same place in its
work on any machine, however busy.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from tests.conftest import ROOT, clean_environment

_IMPORTED = (
    "otel_sqlite_exporter.archive.archiving.archive_file",
    "otel_sqlite_exporter.archive.compaction.compactor",
    "otel_sqlite_exporter.archive.dataset_removal.dataset_deletion",
    "pyarrow.parquet",
    "duckdb",
    "genai_prices",
    "otel_sqlite_exporter.cli.commands",
    "rich.console",
)
"""What commands import while they run. A package may be missing."""


class EndedCommand(NamedTuple):
    """How a command ended: its exit code, which is negative if it was killed, what it wrote, and its CPU in seconds."""

    code: int
    output: str
    cpu_s: float

    @property
    def is_killed(self) -> bool:
        return self.code < 0


def run_forked(*arguments: object, cpu_s: float = 0) -> EndedCommand:
    """Run a command, and kill it when it has used `cpu_s` seconds of CPU, unless that is 0."""
    server = _start_server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps({"arguments": [*map(str, arguments)], "cpu_s": cpu_s}) + "\n")
    server.stdin.flush()
    return EndedCommand(*json.loads(server.stdout.readline()))


@cache
def _start_server() -> subprocess.Popen[str]:
    """The process that forks. It ends with this one, which holds its stdin."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forked_commands"],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    """Run each command that a line of stdin asks for in a fork, and print how it ended."""
    for name in _IMPORTED:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _run(asked, read, write)
        os.close(write)
        with open(read, encoding="utf-8") as written:
            output = written.read()
        _, status, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps([code, output, used.ru_utime + used.ru_stime]), flush=True)


def _run(asked: dict[str, Any], read: int, write: int) -> None:
    from otel_sqlite_exporter.cli.commands import PROGRAM, cli

    os.close(read)
    for stream in (1, 2):
        os.dup2(write, stream)
    os.close(write)
    if asked["cpu_s"]:  # nothing handles the signal, so it ends the process as SIGKILL does
        signal.setitimer(signal.ITIMER_PROF, asked["cpu_s"])
    try:
        cli(asked["arguments"], prog_name=PROGRAM)
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(int(ended.code or 0))  # to free what was imported takes longer than a small command


if __name__ == "__main__":
    main()
