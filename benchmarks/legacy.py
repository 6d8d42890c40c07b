# SPDX-License-Identifier: Apache-2.0
"""Migrates a file of attribute rows, and asks both files the same questions.

It runs in its own process, so that it measures only its own memory: `python -m benchmarks.legacy FOLDER ATTRIBUTE_ROWS`
prints one JSON object.
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from otel_sqlite_exporter.legacy.conversion import migrate_legacy_file
from otel_sqlite_exporter.legacy.legacy_report import find_legacy_file
from otel_sqlite_exporter.maintain.attribute_index import index_attributes
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.statistics import gather_statistics
from tests.legacy_files import TEXT_KEYS

_ATTRIBUTES_A_CALL = 24
_CALLS_A_SESSION = 20
_FINISHES = "finish"
_REPEATS = 5
_CALLS = "complete_llm_interactions"
INDEXED = ("llm.request.temperature", "llm.response.duration_ms", "llm.request.type", "llm.request.stream")
"""The attributes of the new file that `index --attribute` indexes. The old file has an index of all keys."""
QUESTIONS: dict[str, tuple[str, str]] = {
    "tokens of each model": (
        "SELECT model, sum(input_tokens), sum(output_tokens) FROM llm_interactions WHERE interaction_type = 'finish'"
        " GROUP BY model",
        f"SELECT model, sum(input_tokens), sum(output_tokens) FROM {_CALLS} WHERE counted GROUP BY model",
    ),
    "calls hotter than 0.8": (
        "SELECT count(*) FROM llm_attributes WHERE key = 'llm.request.temperature' AND value_numeric > 0.8",
        "SELECT count(*) FROM indexed_attributes WHERE key = 'llm.request.temperature' AND value > 0.8",
    ),
    "the mean of a number in attributes": (
        "SELECT avg(value_numeric) FROM llm_attributes WHERE key = 'llm.response.duration_ms'",
        "SELECT avg(value) FROM indexed_attributes WHERE key = 'llm.response.duration_ms' AND source = 'log'",
    ),
    "calls with two attributes": (
        "SELECT count(*) FROM llm_attributes AS a JOIN llm_attributes AS b"
        " ON b.llm_interaction_id = a.llm_interaction_id WHERE a.key = 'llm.request.type' AND a.value_text = 'chat'"
        " AND b.key = 'llm.request.stream' AND b.value_boolean",
        "SELECT count(*) FROM indexed_attributes AS a JOIN logs AS l ON l.id = a.id"
        " WHERE a.key = 'llm.request.type' AND a.source = 'log' AND a.value = 'chat'"
        " AND l.attributes ->> '$.\"llm.request.stream\"'",
    ),
    "all attributes of one call": (
        "SELECT a.key, a.value_text, a.value_numeric, a.value_boolean FROM events AS e JOIN llm_interactions AS i"
        " ON i.event_id = e.id JOIN llm_attributes AS a ON a.llm_interaction_id = i.id WHERE e.span_id = :span",
        "SELECT attributes FROM logs WHERE trace_id = :trace AND span_id = :span",
    ),
    "all attributes of a session": (
        "SELECT e.id, a.key, a.value_text, a.value_numeric, a.value_boolean FROM events AS e JOIN llm_interactions AS i"
        " ON i.event_id = e.id JOIN llm_attributes AS a ON a.llm_interaction_id = i.id WHERE e.session_id = :session",
        "SELECT id, attributes FROM logs WHERE session_id = :session",
    ),
    "requests with their responses, of a session": (
        "SELECT s.span_id, s.timestamp, f.timestamp, i.total_tokens FROM events AS s JOIN events AS f"
        " ON f.span_id = s.span_id AND f.name = 'llm.call.finish' JOIN llm_interactions AS i ON i.event_id = f.id"
        " WHERE s.session_id = :session AND s.name = 'llm.call.start'",
        "SELECT span_id, start_time_unix_nano, end_time_unix_nano, total_tokens FROM complete_llm_interactions"
        " WHERE session_id = :session",
    ),
    "the newest 50 sessions": (
        "SELECT session_id, min(timestamp), max(timestamp), count(*) FROM events GROUP BY session_id"
        " ORDER BY max(timestamp) DESC LIMIT 50",
        "SELECT session_id, start_time, end_time, logs FROM sessions ORDER BY end_time_unix_nano DESC LIMIT 50",
    ),
    "events of an hour": (
        "SELECT count(*) FROM events WHERE timestamp BETWEEN :from AND :to",
        "SELECT count(*) FROM log_times WHERE start_time_unix_nano BETWEEN :from_unix_nano AND :to_unix_nano",
    ),
    "names of attributes, and how often": (
        "SELECT key, count(*) FROM llm_attributes GROUP BY key",
        "SELECT j.key, count(*) FROM logs AS l, json_each(l.attributes) AS j WHERE event_name LIKE 'llm.call.%'"
        " GROUP BY j.key",
    ),
}
"""The questions, as SQL for the old file and for the new one."""


class Migration(NamedTuple):
    """One migration: attribute rows, seconds of each stage, memory at the start and at the peak, bytes of both files,
    and for each question the milliseconds in the old file and in the new one."""

    attribute_rows: int
    seconds: dict[str, float]
    begun_mib: float
    peak_mib: float
    bytes_before: int
    bytes_after: int
    questions_ms: dict[str, tuple[float, float]]


def run_migration(folder: Path, attribute_rows: int) -> Migration:
    """Migrate a file with this number of attribute rows, in a new process."""
    command = [sys.executable, "-m", "benchmarks.legacy", str(folder), str(attribute_rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[1])
    return Migration(**json.loads(done.stdout))


def write_old_file(path: Path, attribute_rows: int) -> None:
    """Write a file with the indexes that programs of this kind make."""
    calls = -(-attribute_rows // _ATTRIBUTES_A_CALL)
    with closing(sqlite3.connect(path)) as connection:
        for name, columns in TEXT_KEYS.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        for table, column in (
            ("events", "session_id"),
            ("events", "trace_id"),
            ("events", "span_id"),
            ("events", "timestamp"),
            ("events", "name"),
            ("llm_interactions", "event_id"),
            ("llm_interactions", "model"),
            ("llm_attributes", "llm_interaction_id"),
            ("llm_attributes", "key"),
        ):
            connection.execute(f"CREATE INDEX idx_{table}_{column} ON {table} ({column})")
        for table, rows in _make_rows(calls):
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute("ANALYZE")
        connection.commit()


def migrate(folder: Path, attribute_rows: int) -> Migration:
    """Write a file, migrate it into another and ask both the same questions, in this process."""
    old, new = folder / "old.db", folder / "new.db"
    write_old_file(old, attribute_rows)
    file = find_legacy_file(str(old), into=str(new), busy_timeout_ms=5_000)
    if file is None:
        raise RuntimeError("the file is not recognised")
    begun = peak = _resident_mib()

    def watch(stage: str, rows: int) -> None:
        nonlocal peak
        peak = max(peak, _resident_mib())

    report = migrate_legacy_file(file, resolve_settings(str(new)), zone=UTC, into=str(new), on_progress=watch)
    index_attributes(resolve_settings(str(new)), INDEXED)
    with closing(sqlite3.connect(new)) as connection, connection:
        gather_statistics(connection)  # as an exporter does while the file grows
    rows = file.rows["llm_attributes"]
    sizes = report.bytes_before, report.bytes_after
    return Migration(rows, dict(report.seconds), begun, peak, *sizes, dict(_ask(old, new)))


def _make_rows(calls: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    picked = random.Random(7)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    yield "agents", [("guide", begin.isoformat(), begin.isoformat(), "1.0", None)]
    events, details, attributes = [], [], []
    for call in range(calls):
        session, trace, span = f"session-{call // _CALLS_A_SESSION}", f"{call // 5 + 1:032x}", f"{call + 1:016x}"
        times = [(begin + timedelta(seconds=2 * call + part)).isoformat() for part in (0, 1)]
        model = f"model-{picked.randrange(5)}"
        tokens = picked.randrange(2_000), picked.randrange(500)
        for part, phase in enumerate(("start", "finish")):
            id = 2 * call + part + 1
            events.append(
                (id, "guide", session, trace, span, None, times[part], "1.0", f"llm.call.{phase}", "INFO", "llm")
            )
            usage = (*tokens, sum(tokens)) if part else (None, None, None)
            details.append((id, id, phase, "openai", model, None, None, 900 if part else None, *usage, *(None,) * 4))
            for name, value in _make_attributes(phase, session, times[part], picked):
                kind = {str: "text", bool: "boolean", int: "numeric", float: "numeric"}.get(type(value), "json")
                text = json.dumps(value) if kind == "json" else value if kind == "text" else None
                number = float(value) if kind == "numeric" else None
                attributes.append((None, id, name, text, number, value if kind == "boolean" else None, kind))
        if len(attributes) > 50_000 or call == calls - 1:
            yield from (("events", events), ("llm_interactions", details), ("llm_attributes", attributes))
            events, details, attributes = [], [], []


def _make_attributes(phase: str, session: str, time: str, picked: random.Random) -> list[tuple[str, Any]]:
    common: list[tuple[str, Any]] = [
        ("session.id", session),
        ("env.os.type", "Linux"),
        ("env.python.version", "3.11.7"),
        ("process.id", 4242),
        ("host.name", "machine"),
    ]
    if phase == "start":
        messages = [{"role": "user", "content": "what is the weather " * picked.randrange(1, 20)}]
        return [
            *common,
            ("llm.request.type", picked.choice(["chat", "completion"])),
            ("llm.request.timestamp", time),
            ("llm.request.temperature", round(picked.random(), 2)),
            ("llm.request.max_tokens", 1_000),
            ("llm.request.stream", picked.random() < 0.5),
            ("llm.request.data", {"messages": messages}),
            ("llm.vendor", "openai"),
        ]
    return [
        *common,
        ("llm.response.timestamp", time),
        ("llm.response.duration_ms", picked.randrange(100, 3_000)),
        ("llm.response.id", f"chatcmpl-{picked.getrandbits(64):x}"),
        ("llm.response.stop_reason", "stop"),
        ("llm.response.content", [{"role": "assistant", "content": "it is sunny " * picked.randrange(1, 20)}]),
        ("llm.usage.total_tokens", picked.randrange(2_500)),
        ("llm.vendor", "openai"),
    ]


def _ask(old: Path, new: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    with closing(sqlite3.connect(old)) as connection:
        calls = connection.execute("SELECT count(*) FROM events").fetchone()[0] // 2
    middle = calls // 2
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=2 * middle)
    until = begin + timedelta(hours=1)
    values = {
        "span": f"{middle + 1:016x}",
        "trace": f"{middle // 5 + 1:032x}",
        "session": f"session-{middle // _CALLS_A_SESSION}",
        "from": begin.isoformat(),
        "to": until.isoformat(),
        "from_unix_nano": int(begin.timestamp()) * 10**9,
        "to_unix_nano": int(until.timestamp()) * 10**9,
    }
    for question, texts in QUESTIONS.items():
        yield question, (_time(old, texts[0], values), _time(new, texts[1], values))


def _time(path: Path, query: str, values: dict[str, Any]) -> float:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        used = {name: value for name, value in values.items() if f":{name}" in query}
        took = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            rows = connection.execute(query, used).fetchall()
            took.append((time.perf_counter() - began) * 1e3)
        if not rows:
            raise RuntimeError(f"nothing found by {query}")
        return median(took)


def _resident_mib() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return pages * resource.getpagesize() / 1024**2


if __name__ == "__main__":
    print(json.dumps(migrate(Path(sys.argv[1]), int(sys.argv[2]))._asdict()))
