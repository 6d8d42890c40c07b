# SPDX-License-Identifier: Apache-2.0
"""A dataset of Parquet: what it costs to archive a file, and what ten questions cost on the file and on the engines
that ask the dataset. All answers are compared with those of the file.

`BENCH_SPANS=1000000 python -m benchmarks.scale` prints a table. `--spark` asks Spark too. `--folder` keeps the file and
the dataset, and takes those that are there. CPU is that of all threads; each question is asked `--rounds` times, and
the cheapest counts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.engine_program import read_cpu_ms
from benchmarks.machine import describe_machine
from benchmarks.services import load_services
from otel_sqlite_exporter.archive.archiving.archive_file import archive_file
from otel_sqlite_exporter.archive.asking.dataset_statement import run_on_dataset
from otel_sqlite_exporter.archive.asking.engine_sql import Engine, render_engine_sql
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.sql.texts import split_statements
from tests.engines.compared_rows import find_difference
from tests.engines.java import SAYS_WHAT_TO_DO, find_java
from tests.engines.ten_questions import PAIRS, put_questions

SQLITE = "sqlite"
ENGINES = (SQLITE, "duckdb", "clickhouse", "spark")
_NAMES = {SQLITE: "SQLite", "duckdb": "DuckDB", "clickhouse": "ClickHouse", "spark": "Spark"}
_PACKAGES = {SQLITE: "orjson", "duckdb": "duckdb", "clickhouse": "chdb", "spark": "pyspark"}
_MODULES = {SQLITE: "sqlite3", "duckdb": "duckdb", "clickhouse": "chdb", "spark": "pyspark"}
_SQL: Mapping[str, Engine] = {"clickhouse": "clickhouse", "spark": "spark"}
_ROOT = Path(__file__).parents[1]
_DAYS, _DAY_NS = 90, 86_400 * 10**9
_ROUNDS, _POINTS_A_ROUND = 3, 3


class Archived(NamedTuple):
    """What a file became: spans, days, CPU of `archive` in microseconds a span, and bytes a span of both."""

    spans: int
    days: int
    cpu_us: float
    file_bytes: float
    dataset_bytes: float
    files: int


class Answer(NamedTuple):
    """The rows of an answer, and what it took in milliseconds."""

    rows: list[list[Any]]
    cpu_ms: float
    wall_ms: float


class Answers(NamedTuple):
    """What an engine says, by the name of the question, and the CPU until it was ready, in milliseconds."""

    ready_cpu_ms: float
    by_question: Mapping[str, Answer]


class PointCost(NamedTuple):
    """What one trace or session costs in a dataset, opened for each question: median and worst, in milliseconds."""

    cpu_ms: float
    worst_cpu_ms: float
    wall_ms: float
    worst_wall_ms: float


def main() -> None:
    """Print the machine, then each line of the table when it is ready."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--spark", action="store_true", help="ask Spark too: it needs Java")
    parser.add_argument("--folder", type=Path, help="keep the file and the dataset here")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each question is asked")
    options = parser.parse_args()
    if options.spark and find_java() is None:
        parser.error(SAYS_WHAT_TO_DO)
    spans = int(os.environ.get("BENCH_SPANS", "200000"))
    engines = [name for name in ENGINES if (name != "spark" or options.spark) and find_spec(_MODULES[name])]
    print(describe_machine(_PACKAGES[name] for name in engines), flush=True)
    with tempfile.TemporaryDirectory(prefix="otel-scale-") as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for line in run(folder, spans, engines, options.rounds):
            print(line, flush=True)


def run(folder: Path, spans: int, engines: Sequence[str], rounds: int = _ROUNDS) -> Iterator[str]:
    """Yield the lines of the tables, each when it is measured."""
    path, dataset = folder / "otel.db", folder / "dataset"
    if not path.exists():
        load_services(path, spans, days=_DAYS)
    if not dataset.exists():
        archived = archive(path, dataset)
        yield f"\n{archived.spans:,} spans of {archived.days} days in {archived.files:,} files of Parquet"
        yield "\n| | measured |\n|---|---|"
        yield f"| archive, CPU a span | {archived.cpu_us:.1f} us |"
        yield f"| the file, a span | {archived.file_bytes:,.0f} bytes |"
        yield f"| the dataset, a span | {archived.dataset_bytes:,.0f} bytes |"
    yield from _describe_answers({name: ask(name, path, dataset, rounds) for name in engines})
    yield "\n| one of the dataset, opened for each question | CPU | worst | wall | worst |\n|---|---|---|---|---|"
    for what, cost in ask_points(path, dataset, _POINTS_A_ROUND * rounds).items():
        yield (
            f"| {what} | {cost.cpu_ms:.0f} ms | {cost.worst_cpu_ms:.0f} ms | {cost.wall_ms:.0f} ms "
            f"| {cost.worst_wall_ms:.0f} ms |"
        )


def archive(path: Path, folder: Path) -> Archived:
    """Archive all days of a file, and measure that."""
    with closing(sqlite3.connect(path)) as file:
        spans, last = file.execute("SELECT count(*), max(start_time_unix_nano) FROM _spans").fetchone()
    before = read_cpu_ms()
    days = len(archive_file(resolve_settings(path), str(folder), last // _DAY_NS + 1).archived.days)
    cpu_ms = read_cpu_ms() - before
    parts = [part for manifest in read_manifests(open_dataset(folder)) for part in manifest.parts]
    written = sum(part.rows for part in parts if part.table == "spans")
    if written != spans:
        raise RuntimeError(f"the dataset has {written} spans, the file {spans}")
    sizes = path.stat().st_size / spans, sum(part.bytes for part in parts) / spans
    return Archived(spans, days, 1_000 * cpu_ms / spans, *sizes, len(parts))


def ask(engine: str, path: Path, dataset: Path, rounds: int) -> Answers:
    """Ask an engine the ten questions, in a process of its own."""
    trace_id, session_id = _choose(path, 1)[0]
    statements = split_statements(render_engine_sql(_SQL[engine], str(dataset))) if engine in _SQL else ()
    questions = put_questions(engine, trace_id, session_id)
    asked = {
        "engine": engine,
        "path": str((path if engine == SQLITE else dataset).absolute()),
        "statements": statements,
        "questions": {name: sql for name, sql in questions.items() if name != PAIRS},
        "rounds": rounds,
        "threads": os.cpu_count() or 1,
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.engine_program"],
        cwd=_ROOT,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr[-4_000:]}")
    found = json.loads(done.stdout)
    return Answers(found["ready_cpu_ms"], {name: Answer(**answer) for name, answer in found["answers"].items()})


def find_differences(answers: Mapping[str, Answers]) -> dict[tuple[str, str], str]:
    """Return in what engines differ from the file, by engine and question."""
    truth = answers[SQLITE].by_question
    compared = {
        (engine, question): find_difference(truth[question].rows, answer.rows)
        for engine, of_engine in answers.items()
        for question, answer in of_engine.by_question.items()
    }
    return {key: difference for key, difference in compared.items() if difference is not None}


def ask_points(path: Path, folder: Path, number: int) -> dict[str, PointCost]:
    """Ask for so many traces and sessions of a dataset, each as `sql` does: the dataset is opened for each question."""
    chosen = _choose(path, number)
    questions = {
        "one trace": [f"SELECT name, attributes FROM spans WHERE trace_id = '{trace}'" for trace, _ in chosen],
        "one session": [
            f"SELECT model, prompt, completion FROM complete_llm_interactions WHERE session_id = '{session}'"
            for _, session in chosen
        ],
    }
    return {what: _measure_points(folder, of_kind) for what, of_kind in questions.items()}


def _measure_points(folder: Path, questions: Sequence[str]) -> PointCost:
    cpu, wall = [], []
    for question in questions:
        before, began = read_cpu_ms(), time.perf_counter()
        found = run_on_dataset(open_dataset(folder), question, limit=1_000)
        wall.append(1_000 * (time.perf_counter() - began))
        cpu.append(read_cpu_ms() - before)
        if not found.rows:
            raise RuntimeError(f"no rows: {question}")
    return PointCost(median(cpu), max(cpu), median(wall), max(wall))


def _choose(path: Path, number: int) -> list[tuple[str, str]]:
    """Return some traces and their sessions, the same in each run."""
    with closing(sqlite3.connect(path)) as file:
        (last,) = file.execute("SELECT max(id) FROM _traces").fetchone()
        places = random.Random(3).choices(range(1, last + 1), k=number)
        sql = "SELECT trace_id, session_id FROM traces WHERE id >= ? AND trace_id <> '' ORDER BY id LIMIT 1"
        return [file.execute(sql, (place,)).fetchone() for place in places]


def _describe_answers(answers: Mapping[str, Answers]) -> Iterator[str]:
    yield f"\n| CPU, ms | {' | '.join(_NAMES[engine] for engine in answers)} |"
    yield "|---|" + "---|" * len(answers)
    yield f"| until it is ready | {' | '.join(f'{one.ready_cpu_ms:,.0f}' for one in answers.values())} |"
    for question in answers[SQLITE].by_question:
        costs = (f"{of_engine.by_question[question].cpu_ms:,.1f}" for of_engine in answers.values())
        yield f"| {question} | {' | '.join(costs)} |"
    different = find_differences(answers)
    for (engine, question), difference in different.items():
        yield f"\n{_NAMES[engine]}, {question}: {difference[:500]}"
    total = sum(len(of_engine.by_question) for of_engine in answers.values())
    yield f"\n{total - len(different)} of {total} answers equal those of the file"


if __name__ == "__main__":
    main()
