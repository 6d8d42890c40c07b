# SPDX-License-Identifier: Apache-2.0
"""What a trial found, and the process of its own in which it runs: a hang or a crash is a finding, not the end."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

FAULTS = ("lost", "doubled", "different", "quarantined", "hung", "tracebacks")
"""What must not be: acknowledged records that are missing, or there twice; files that are not sound, whose views differ
from what they should show, or that hold a masked text; sound records in quarantine; processes that hang; tracebacks."""
COLUMNS = ("trials", "acknowledged", *FAULTS)
HANG_S = 300
"""When a trial is taken for hung. It says nothing about how long one takes."""

Outcome = Counter[str]
Trial = Callable[[Path, random.Random], Outcome]
"""One or more trials in an empty folder; what it draws, it draws from the generator."""


def run_alone(trial: Trial, folder: Path, seed: int) -> Outcome:
    """Run a trial in a process group of its own. What it writes to stderr stays in the folder."""
    pid = os.fork()
    if pid == 0:
        _run_here(trial, folder, seed)
    ended = _wait(pid, HANG_S)
    if not ended:
        _kill_group(pid, signal.SIGUSR1)  # writes the stack of each thread
        time.sleep(1)
    _kill_group(pid, signal.SIGKILL)
    if not ended:
        os.waitpid(pid, 0)
    result = folder / "outcome"
    outcome: Outcome = Counter(json.loads(result.read_text()) if result.exists() else {})
    outcome["hung"] += not ended
    outcome["tracebacks"] += (folder / "stderr").read_text(errors="replace").count("Traceback (most recent")
    if ended and not result.exists():
        outcome["tracebacks"] = max(1, outcome["tracebacks"])  # a crash leaves none
    return outcome


def spawn(program: Callable[..., object], *arguments: object) -> int:
    """Run a function in a forked process, which ends with it; return its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            program(*arguments)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


def kill(pid: int) -> None:
    """Kill a child that runs."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def is_orphan() -> bool:
    """Whether the trial has ended without this process: then it must end too."""
    return os.getppid() == 1


def _run_here(trial: Trial, folder: Path, seed: int) -> None:
    os.setpgid(0, 0)
    errors = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    faulthandler.register(signal.SIGUSR1)
    work = folder / "work"
    work.mkdir()
    try:
        outcome = trial(work, random.Random(seed))
        (folder / "outcome").write_text(json.dumps(outcome))
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)


def _wait(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    return False


def _kill_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
