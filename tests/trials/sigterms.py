# SPDX-License-Identifier: Apache-2.0
"""Processes that use `flush_on_sigterm` get SIGTERM at random moments: no span that has ended is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from otel_sqlite_exporter import flush_on_sigterm
from tests.trials.outcome import Outcome, is_orphan, spawn
from tests.trials.records import make_records
from tests.trials.writers import Notes, check, make_processor

PROCESSES = 4
LONGEST_LIFE_S = 0.3


def try_sigterms(folder: Path, chance: random.Random) -> Outcome:
    """Each signal is a trial."""
    path, exported, ended = folder / "otel.db", Notes(folder / "exported"), Notes(folder / "ended")
    ready, tell = os.pipe()
    children = {}
    for _ in range(PROCESSES):
        prefix = f"{chance.random()}/"
        way = chance.choice(["processor", "processor", "batch"])
        children[prefix] = spawn(_work, path, exported, ended, prefix, way, tell)
    for _ in children:
        os.read(ready, 1)
    expected, wrong = set[str](), 0
    for prefix, pid in children.items():
        time.sleep(chance.uniform(0, LONGEST_LIFE_S / PROCESSES))
        expected.update(name for name in ended.names() if name.startswith(prefix))
        os.kill(pid, signal.SIGTERM)
        wrong += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != -signal.SIGTERM
    # What another thread ends during the flush may be too late for it.
    expected.update(name for name in ended.names() if "/thread/" not in name)
    return Counter(trials=PROCESSES, different=wrong) + check(path, expected.union(exported.names()))


def _work(path: Path, exported: Notes, ended: Notes, prefix: str, way: str, ready: int) -> None:
    processor = make_processor(path, way, exported)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    flush_on_sigterm(provider, timeout_ms=120_000)
    os.write(ready, b".")
    if way == "processor":  # its queue has room for what another thread ends, too
        threading.Thread(target=_end_spans, args=(processor, ended, f"{prefix}thread/"), daemon=True).start()
    _end_spans(processor, ended, prefix)


def _end_spans(processor: object, ended: Notes, prefix: str) -> None:
    chance, number = random.Random(prefix), 0
    while not is_orphan():
        for record in make_records(chance, f"{prefix}{number}", chance.randrange(1, 4), open_spans=False):
            if isinstance(record, ReadableSpan):
                processor.on_end(record)  # type: ignore[attr-defined]
                ended.add([record])
        number += 1
        time.sleep(chance.uniform(0, 0.05))
