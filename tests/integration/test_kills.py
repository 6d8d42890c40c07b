# SPDX-License-Identifier: Apache-2.0
"""Writers are killed at random moments, in every way a process can end, while others write and read the same file."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import in_new_process
from tests.file_checks import check_file, settle

FILES = 2
KILLS_PER_FILE = 10
WRITERS = 3
READERS = 2
SPANS_PER_BATCH = 4
LONGEST_LIFE_S = 0.08


class Writer:
    """Exports batches of one process, and notes each that was acknowledged, in a file that outlives it.

    Every batch is one trace of the writer's session, and finishes a step that the batch before it began: so batches
    change rows of earlier ones.
    """

    def __init__(self, name: str, exporter: SQLiteSpanExporter, notes: int) -> None:
        self._name = name
        self._exporter = exporter
        self._notes = notes
        self._numbers = itertools.count()
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self._tracer = provider.get_tracer("tests")

    def write(self) -> None:
        batch = f"{self._name}/{next(self._numbers):04}"
        with self._tracer.start_as_current_span(f"{batch}/0", attributes={"session.id": self._name}) as root:
            root.add_event("step.finish")
            root.add_event("step.start")
            for number in range(1, SPANS_PER_BATCH):
                self._tracer.start_span(f"{batch}/{number}").end()
        spans = self._memory.get_finished_spans()
        self._memory.clear()
        if self._exporter.export(spans) is SpanExportResult.SUCCESS:
            os.write(self._notes, f"{batch}\n".encode())

    def write_on(self) -> None:
        while not is_orphan():
            self.write()
            time.sleep(random.uniform(0, 0.01))


def write_until_the_end(path: str, name: str, exporter: SQLiteSpanExporter, ending: str, life_s: float) -> None:
    atexit.register(exporter.shutdown)  # as a provider does
    if ending == "os._exit":
        threading.Timer(life_s, os._exit, [0]).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    Writer(name, exporter, notes_of(path)).write_on()


def read_until_the_end(path: str) -> None:
    """Hold one read transaction after the other; what each shows does not change."""
    while not is_orphan():
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            file.execute("BEGIN")
            before = file.execute("SELECT count(*) FROM spans").fetchall()
            time.sleep(random.uniform(0, 0.05))
            assert file.execute("SELECT count(*) FROM spans").fetchall() == before
            file.execute("COMMIT")


def is_orphan() -> bool:
    """Whether the test has been ended from outside: then its children must end too."""
    return os.getppid() == 1


def start(program: Callable[..., None], *arguments: object) -> int:
    # SIGTERM waits until the child is ready for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = os.fork()
    if pid == 0:
        program(*arguments)
    return pid


def end(pid: int, ending: str) -> None:
    if ending != "os._exit":
        os.kill(pid, signal.SIGKILL if ending == "kill -9" else signal.SIGTERM)
    expected = {"kill -9": -signal.SIGKILL, "SIGTERM": -signal.SIGTERM}
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == expected.get(ending, 0)


def notes_of(path: str) -> int:
    return os.open(f"{path}.acknowledged", os.O_CREAT | os.O_APPEND | os.O_WRONLY)


def check(path: str) -> Counter[str]:
    """The file is sound, and holds all batches that were acknowledged before; each batch is there wholly or not at all,
    and each span once."""
    acknowledged = Path(f"{path}.acknowledged").read_text().split()
    names: list[str] = []
    if os.path.exists(path):
        # Not read-only: who died while making the file may have left a journal, which has to be rolled back.
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            file.execute("BEGIN")
            if file.execute("SELECT * FROM sqlite_schema").fetchall():
                check_file(file)
                names = [name for (name,) in file.execute("SELECT name FROM spans")]
    batches = Counter(name.rpartition("/")[0] for name in names)
    assert len(names) == len(set(names))
    assert set(batches.values()) <= {SPANS_PER_BATCH}
    assert set(acknowledged) <= set(batches)
    return Counter(checks=1, acknowledged=len(acknowledged), written=len(batches))


def kill_writers_of(path: str, ending: str, chance: random.Random) -> Counter[str]:
    exporter = SQLiteSpanExporter(path)
    parent = Writer("parent", exporter, notes_of(path))
    writers: dict[int, float] = {}
    readers: list[int] = []
    checks = 0
    for kill in range(KILLS_PER_FILE):
        while len(writers) < WRITERS:
            if kill:  # the first writers make the file
                parent.write()
            life_s = chance.uniform(0, LONGEST_LIFE_S)
            name = f"writer{kill}.{len(writers)}"
            writers[start(write_until_the_end, path, name, exporter, ending, life_s)] = time.monotonic() + life_s
        if kill and not readers:
            readers = [start(read_until_the_end, path) for _ in range(READERS)]
        victim = min(writers, key=writers.__getitem__)
        time.sleep(max(0.0, writers.pop(victim) - time.monotonic()))
        end(victim, ending)
        checks += check(path)["checks"]
    exporter.shutdown()
    for pid in (*readers, *writers):
        os.kill(pid, signal.SIGKILL)
    for pid in (*readers, *writers):
        os.waitpid(pid, 0)
    check(path)
    settle(path)
    return Counter(kills=KILLS_PER_FILE + len(writers), checks=checks + 1) + check(path)


def kill_writers(folder: str, ending: str, seed: str) -> None:
    counts: Counter[str] = Counter()
    chance = random.Random(int(seed))
    for number in range(FILES):
        os.mkdir(f"{folder}/{number}")
        counts += kill_writers_of(f"{folder}/{number}/otel.db", ending, chance)
    print(json.dumps(counts))


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["kill -9", "SIGTERM", "os._exit"])
@pytest.mark.row("os._exit, a signal without a handler, kill -9, out of memory")
def test_what_was_acknowledged_is_there_once_after_many_deaths(
    tmp_path: Path, ending: str, record_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    counts = in_new_process(kill_writers, tmp_path, ending, seed)
    record_property("counts", f"seed {seed}, " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    assert counts["kills"] >= FILES * KILLS_PER_FILE
    assert counts["acknowledged"] > counts["kills"] / 4  # on a busy machine few live long
