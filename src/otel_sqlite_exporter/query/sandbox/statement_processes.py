# SPDX-License-Identifier: Apache-2.0
"""The processes in which bounded statements run: started when one is needed, and kept for the next."""

from __future__ import annotations

import atexit
import os
import sqlite3
import subprocess
import sys
import threading
from typing import Any

from otel_sqlite_exporter import errors
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.sandbox.statement_worker import TOO_LATE, read_message, write_message
from otel_sqlite_exporter.storage.running_reads import noting_read

_KEPT = 2
"""The most processes that are kept while no statement runs. Each has 30 MB."""
_STOP_S = 1
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from otel_sqlite_exporter.query.sandbox.statement_worker import serve_statements; serve_statements()"
)
_ERRORS: dict[str, type[Exception]] = {
    "OperationalError": sqlite3.OperationalError,
    "OSError": OSError,
    "RuntimeError": RuntimeError,
}


def ask_process(asked: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Return the result of a statement as a mapping of the fields of `BoundedResult`. The statement has `timeout_s`
    seconds.

    Raises:
        FilterError, FileRefusedError, sqlite3.Error, OSError: See `run_bounded_statement`.
    """
    process = _processes.take()
    assert process.stdin is not None
    assert process.stdout is not None
    answer = None
    try:
        with noting_read(asked["path"], process.kill):
            write_message(process.stdin, asked)
            answer = read_message(process.stdout)
    except BrokenPipeError:
        pass
    finally:
        _processes.give_back(process, is_usable=answer is not None)
    if answer is None:
        if process.returncode == TOO_LATE:
            raise FilterError("timeout_s", f"the statement took longer than {timeout_s:g} s")
        raise FilterError("sql", "the process that ran it ended: select less, or aggregate less at once")
    if "error" in answer:
        kind, *arguments = answer["error"]
        raise (_ERRORS.get(kind) or getattr(errors, kind))(*arguments)
    found: dict[str, Any] = answer["result"]
    return found


class _StatementProcesses:
    """Those of this process. Safe to use on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []

    def take(self) -> subprocess.Popen[bytes]:
        """Return a process that waits for a statement."""
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                return _start()
            if process.poll() is None:
                return process
            _end(process)

    def give_back(self, process: subprocess.Popen[bytes], *, is_usable: bool) -> None:
        """Keep a process for the next statement, or end it."""
        with self._lock:
            is_kept = is_usable and len(self._idle) < _KEPT
            if is_kept:
                self._idle.append(process)
        if not is_kept:
            _end(process)

    def end_all(self) -> None:
        """End the processes that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            _end(process)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -I: neither the current folder nor PYTHONPATH says what is imported, but where this process imports from.
        [sys.executable, "-I", "-c", _PROGRAM, *(os.path.abspath(one) for one in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal is for its parent
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that is not in the middle of a statement, or has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.close()  # it ends by itself
    except BrokenPipeError:
        pass
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


_processes = _StatementProcesses()
atexit.register(_processes.end_all)


def _forget() -> None:
    """A fork talks to no process of its parent."""
    global _processes
    _forgotten.append(_processes)
    _processes = _StatementProcesses()
    atexit.register(_processes.end_all)


_forgotten: list[_StatementProcesses] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
