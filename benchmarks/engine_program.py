# SPDX-License-Identifier: Apache-2.0
"""Asks one engine questions in a process of its own, so that its CPU is that of the process, and of those that it
started.

It reads `{"engine", "path", "statements", "questions": {name: SQL}, "rounds", "threads"}` from stdin; `path` is the
file or the dataset. It prints `{"ready_cpu_ms", "answers": {name: {"rows", "cpu_ms", "wall_ms"}}}`: what it took until
the engine was ready, and the best of the rounds.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

Ask = Callable[[str], list[Sequence[Any]]]
_SPARK = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "OFF",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def main() -> None:
    """Answer what stdin asks."""
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        before = read_cpu_ms()
        with _OPENERS[asked["engine"]](asked, folder) as ask:
            ready = read_cpu_ms() - before
            answers = {name: _measure(ask, question, asked["rounds"]) for name, question in asked["questions"].items()}
    json.dump({"ready_cpu_ms": ready, "answers": answers}, sys.stdout, default=float)


def read_cpu_ms() -> float:
    """Return the CPU milliseconds of this process, and of those that it started where the system tells them (Spark runs
    in one)."""
    ticks = os.sysconf("SC_CLK_TCK")
    return 1_000 * time.process_time() + sum(_read_ticks(process) for process in _list_children()) * 1_000 / ticks


def _list_children() -> list[str]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[stat.parent.name] = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it ended meanwhile
            continue
    found = [str(os.getpid())]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def _read_ticks(process: str) -> int:
    try:
        fields = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def _measure(ask: Ask, question: str, rounds: int) -> dict[str, Any]:
    cpu, wall, rows = [], [], []
    for _ in range(rounds):
        before, began = read_cpu_ms(), time.perf_counter()
        rows = ask(question)
        wall.append(1_000 * (time.perf_counter() - began))
        cpu.append(read_cpu_ms() - before)
    return {"rows": [list(row) for row in rows], "cpu_ms": min(cpu), "wall_ms": min(wall)}


@contextmanager
def _open_sqlite(asked: dict[str, Any], folder: str) -> Iterator[Ask]:
    with closing(sqlite3.connect(f"{Path(asked['path']).as_uri()}?mode=ro", uri=True)) as file:
        yield lambda question: file.execute(question).fetchall()


@contextmanager
def _open_duckdb(asked: dict[str, Any], folder: str) -> Iterator[Ask]:
    from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
    from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset

    with open_engine(open_dataset(asked["path"]), threads=asked["threads"]) as engine:
        yield lambda question: list(engine.connection.execute(question).fetchall())


@contextmanager
def _open_clickhouse(asked: dict[str, Any], folder: str) -> Iterator[Ask]:
    with closing(import_module("chdb.session").Session(folder)) as clickhouse:
        clickhouse.query("SET output_format_json_quote_64bit_integers = 0")
        clickhouse.query(f"SET max_threads = {asked['threads']}")
        for statement in asked["statements"]:
            clickhouse.query(statement)
        yield lambda question: list(json.loads(clickhouse.query(question, "JSONCompact").data())["data"])


@contextmanager
def _open_spark(asked: dict[str, Any], folder: str) -> Iterator[Ask]:
    from pyspark.sql import SparkSession

    os.chdir(folder)
    builder = SparkSession.builder.master(f"local[{asked['threads']}]").config("spark.local.dir", folder)
    builder = builder.config("spark.sql.shuffle.partitions", asked["threads"])
    for name, value in _SPARK.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        for statement in asked["statements"]:
            spark.sql(statement)
        yield lambda question: list(spark.sql(question).collect())
    finally:
        spark.stop()


_OPENERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "sqlite": _open_sqlite,
    "duckdb": _open_duckdb,
    "clickhouse": _open_clickhouse,
    "spark": _open_spark,
}


if __name__ == "__main__":
    main()
