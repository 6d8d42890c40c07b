# SPDX-License-Identifier: Apache-2.0
"""Identifies processes, and checks whether one still runs. A process id alone is not enough: systems reuse it."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple


class ProcessIdentity(NamedTuple):
    """One process on one machine. A field is None if the platform does not provide it.

    Attributes:
        host: Name of the machine.
        pid: Process id.
        boot_id: Id of the machine's boot.
        pid_namespace: Namespace of process ids (a container has its own).
        process_start: Clock ticks from boot to the start of the process.
    """

    host: str
    pid: int
    boot_id: str | None
    pid_namespace: str | None
    process_start: int | None


def identify_process() -> ProcessIdentity:
    """Return the identity of this process."""
    return ProcessIdentity(socket.gethostname(), os.getpid(), _read_boot_id(), _read_pid_namespace(), _read_own_start())


def is_alive(process: ProcessIdentity) -> bool | None:
    """Return whether `process` still runs, or None if this process cannot know: it is on another machine, in another
    container, or on Windows; or one of the two does not see /proc; or its id is in use and nothing says by whom."""
    if process.host != socket.gethostname():
        return None
    boot_id = _read_boot_id()
    if process.boot_id != boot_id:
        return None if process.boot_id is None or boot_id is None else False
    if process.pid_namespace != _read_pid_namespace() or sys.platform == "win32":
        return None
    if process.process_start is not None:
        try:
            return _read_start(process.pid) == process.process_start
        except OSError:  # it has ended, or /proc hides the processes of other users
            pass
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return None


@cache
def _read_boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _read_pid_namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _read_start(pid: int) -> int | None:
    """Return field 22 of /proc/PID/stat (proc(5)), or None if the process has ended and waits to be reaped.

    Raises:
        OSError: There is no such process, or this process cannot see it.
    """
    stat = Path(f"/proc/{pid}/stat").read_text()
    # The second field is the program's name in brackets, and may contain anything.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _read_own_start() -> int | None:
    try:
        return _read_start(os.getpid())
    except OSError:
        return None
