# SPDX-License-Identifier: Apache-2.0
"""Processes fork while their threads export, by `os.fork` and `multiprocessing`; children export, too."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.trials.outcome import Outcome, spawn
from tests.trials.records import make_records
from tests.trials.writers import WAYS, Notes, check, make_processor, noting

FORKS, THREADS = 6, 2
SPAWNED = 0.05
"""The share of children that are new interpreters: these take long to start."""


class _ExportEach:
    """Exports each span as it ends, as the SDK's simple processor does."""

    def __init__(self, exporter: SQLiteSpanExporter) -> None:
        self.on_end = lambda span: exporter.export([span])
        self.force_flush = exporter.force_flush
        self.shutdown = exporter.shutdown


def try_forks(folder: Path, chance: random.Random) -> Outcome:
    """Each fork is a trial."""
    path, notes, way = folder / "otel.db", Notes(folder / "notes"), chance.choice(WAYS)
    processor = _make(path, way, notes)
    stop = threading.Event()
    threads = [threading.Thread(target=_work, args=(processor, stop, f"thread{n}")) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    failed = 0
    for number in range(FORKS):
        time.sleep(chance.uniform(0, 0.03))
        ending = chance.choice(["flush", "shutdown", "neither"])
        prefix = f"child{number}.{chance.random()}"
        if chance.random() < 0.5:
            pid = spawn(_be_child, processor, notes, prefix, ending)
            failed += os.waitpid(pid, 0)[1] != 0
        else:
            context: Any = multiprocessing.get_context("spawn" if chance.random() < SPAWNED else "fork")
            program, arguments = _be_stranger, (path, way, notes, prefix)
            if context.get_start_method() == "fork" and chance.random() < 0.5:
                program, arguments = _be_child, (processor, notes, prefix, ending)  # type: ignore[assignment]
            child = context.Process(target=program, args=arguments)
            child.start()
            child.join()
            failed += child.exitcode != 0
    stop.set()
    for thread in threads:
        thread.join()
    processor.shutdown()
    return Counter(trials=FORKS, different=failed) + check(path, notes.names())


def _make(path: Path, way: str, notes: Notes) -> Any:
    if way == "exporter":
        return _ExportEach(noting(SQLiteSpanExporter(path), notes))
    return make_processor(path, way, notes)


def _work(processor: Any, stop: threading.Event, prefix: str) -> None:
    number = 0
    while not stop.is_set():
        for span in _spans(f"{prefix}/{number}"):
            processor.on_end(span)
        number += 1
        time.sleep(0.01)


def _be_child(processor: Any, notes: Notes, prefix: str, ending: str) -> None:
    """Use what the parent made, and fork once more now and then."""
    spans = _spans(prefix)
    for span in spans:
        processor.on_end(span)
    if len(spans) == 2:
        assert os.waitpid(spawn(_be_child, processor, notes, f"{prefix}/child", ending), 0)[1] == 0
    if ending == "flush" and processor.force_flush(60_000):
        notes.add(spans)
    elif ending == "shutdown":
        processor.shutdown()


def _be_stranger(path: Path, way: str, notes: Notes, prefix: str) -> None:
    """Use a processor of its own."""
    processor, spans = _make(path, way, notes), _spans(prefix)
    for span in spans:
        processor.on_end(span)
    processor.shutdown()
    notes.add(spans)


def _spans(prefix: str) -> list[ReadableSpan]:
    chance = random.Random(prefix)
    records = make_records(chance, prefix, chance.randrange(1, 5), open_spans=False)
    return [record for record in records if isinstance(record, ReadableSpan)]
