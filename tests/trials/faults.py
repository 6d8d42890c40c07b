# SPDX-License-Identifier: Apache-2.0
"""The disk fails: writes and syncs that end with EIO or ENOSPC, a limit of the size of a file, a small file system that
fills. When it works again, everything that was acknowledged is there."""

from __future__ import annotations

import errno
import functools
import json
import os
import random
import resource
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.conftest import in_new_process
from tests.recorded_disk import compile_library
from tests.trials.outcome import Outcome, kill, spawn
from tests.trials.writers import WAYS, Notes, check, write_on

ROUNDS, BATCHES = 3, 15


def try_faults(folder: Path, chance: random.Random) -> Outcome:
    """Each file is a trial."""
    library = compile_library(Path(__file__).with_name("failing_writes.c"), folder)
    return Counter(in_new_process(try_rounds, folder, chance.random(), LD_PRELOAD=str(library or "")))


def try_rounds(folder: str, seed: str) -> None:
    """A program, with the library of failing writes if there is one."""
    chance = random.Random(seed)
    kinds: list[Callable[[Path, random.Random], Outcome]] = [_try_limit, _try_small_disk]
    if os.environ["LD_PRELOAD"]:
        kinds = [_try_failing_calls] * 4 + kinds
    total: Outcome = Counter()
    for number in range(ROUNDS):
        place = Path(folder, str(number))
        place.mkdir()
        total += chance.choice(kinds)(place, chance)
    print(json.dumps(total))


def _try_failing_calls(folder: Path, chance: random.Random) -> Outcome:
    path, notes = folder / "otel.db", Notes(folder / "acknowledged")
    settings = {
        "FAILING_NAME": f"{folder.name}/{chance.choice(['otel.db', 'otel.db', 'otel.db-wal', 'otel.db-spool'])}",
        "FAILING_ERROR": str(chance.choice([errno.EIO, errno.ENOSPC])),
        "FAILING_RATE": str(chance.choice([500, 3_000, 20_000, 100_000])),
    }
    _run_writers(path, notes, chance, functools.partial(os.environ.update, settings))
    return Counter(trials=1) + check(path, notes.names())


def _try_limit(folder: Path, chance: random.Random) -> Outcome:
    path, notes = folder / "otel.db", Notes(folder / "acknowledged")
    limit = chance.randrange(1_000, 1_500_000)
    _run_writers(
        path, notes, chance, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    )
    return Counter(trials=1) + check(path, notes.names())


def _try_small_disk(folder: Path, chance: random.Random) -> Outcome:
    """What is on the full disk is checked on another one, with room for the spool."""
    disk, notes = folder / "disk", Notes(folder / "acknowledged")
    disk.mkdir()
    size = chance.randrange(400, 3_000)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        return Counter()
    try:
        _run_writers(disk / "otel.db", notes, chance, lambda: None)
        for file in disk.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy2(file, folder / file.name)
    finally:
        subprocess.run(["umount", disk], check=True)
    return Counter(trials=1) + check(folder / "otel.db", notes.names())


def _run_writers(path: Path, notes: Notes, chance: random.Random, begin: Callable[[], object]) -> None:
    """Let writers write after `begin`; some are killed."""

    def write(prefix: str, way: str) -> None:
        begin()
        write_on(path, notes, prefix, way, BATCHES, busy_timeout_ms=2_000)

    if chance.random() < 0.5:  # there is a file
        write_on(path, notes, "before", "exporter", 3)
    writers = [spawn(write, f"{chance.random()}", chance.choice(WAYS)) for _ in range(chance.choice([1, 2]))]
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0, 0.5))
        for pid in writers:
            kill(pid)
    else:
        statuses = [os.waitpid(pid, 0)[1] for pid in writers]
        assert statuses == [0] * len(writers)
