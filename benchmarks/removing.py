# SPDX-License-Identifier: Apache-2.0
"""What it costs to remove spans again, against writing them: whole sessions, the oldest first, as retention does; a few
spans of each trace, whose rest is derived again; and whole sessions that are close in time, all of whose tool calls
have the same id."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from benchmarks.services import load_services
from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.removal.removal_steps import remove_in_steps
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts

_OLDEST = """
    SELECT json_group_array(s.id)
    FROM (SELECT id FROM _sessions ORDER BY end_time_unix_nano LIMIT max(1, :limit / 200)) AS x
    CROSS JOIN _trace_sessions AS p ON p.session = x.id
    CROSS JOIN _spans AS s ON s.trace_session = p.id
"""
_STATEMENTS = """
    SELECT json_group_array(id) FROM (SELECT id FROM _spans WHERE name = 'SELECT orders' ORDER BY id LIMIT :limit)
"""
_TIME, _BATCH = 1_795_000_000_000_000_000, 512


class Removal(NamedTuple):
    """CPU time of writing a span and of removing one, in microseconds; how long a step held the lock, in milliseconds:
    the median, and what nine of ten took at most."""

    what: str
    write_us: float
    remove_us: float
    held_ms: float
    most_held_ms: float

    @property
    def ratio(self) -> float:
        """Removing against writing."""
        return self.remove_us / self.write_us


def measure_removal(spans: int) -> list[Removal]:
    """Write files of about `spans` spans, and remove half of the sessions, and the statements of all traces."""
    return [
        _measure("whole sessions", load_services, spans, _OLDEST, spans // 2),
        _measure("one span in five of each trace", load_services, spans, _STATEMENTS, spans),
        _measure("whole sessions with one call id", _load_same_calls, spans, _OLDEST, spans // 2),
    ]


def _load_same_calls(path: Path, spans: int) -> None:
    """Write sessions of a model call and five executions of tools each, one a second; all have the id `c1`."""
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find", "gen_ai.tool.call.id": "c1"}
    resource = Resource({"service.name": "one"})
    exporter = SQLiteSpanExporter(path)
    batch: list[ReadableSpan] = []
    for number in range(spans):
        session, step = divmod(number, 6)
        start = _TIME + session * 10**9 + step * 10**6
        batch.append(
            ReadableSpan(
                name=f"step {step}",
                context=SpanContext(session + 1, step + 1, False, TraceFlags(1)),
                resource=resource,
                attributes={**(tool if step else call), "session.id": f"s{session}"},
                start_time=start,
                end_time=start + 500_000,
            )
        )
        if len(batch) == _BATCH or number == spans - 1:
            exporter.export(batch)
            batch = []
    exporter.shutdown()


def _measure(what: str, load: Callable[[Path, int], object], spans: int, query: str, most: int) -> Removal:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        write_us = _time_cpu(lambda: load(path, spans)) / spans
        settings, held, removed = resolve_settings(path), [0.0], [RemovedCounts()]
        with closing(open_file(settings)) as connection:

            def choose(limit: int) -> RecordsToRemove | None:
                ids = orjson.loads(connection.execute(query, {"limit": limit}).fetchone()[0])
                return RecordsToRemove(ids) if ids and sum(one.spans for one in removed) < most else None

            remove_us = _time_cpu(
                lambda: remove_in_steps(connection, settings, choose, removed.append, rest=held.append)
            )
    steps = sorted(1000 * seconds for seconds in held if seconds)
    times = statistics.median(steps), steps[len(steps) * 9 // 10]
    return Removal(what, write_us, remove_us / sum(one.spans for one in removed), *times)


def _time_cpu(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return 1e6 * (time.process_time() - began)


if __name__ == "__main__":
    for measured in measure_removal(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000):
        print(
            f"{measured.what}: {measured.remove_us:.0f} us a span, {measured.ratio:.2f} of writing it"
            f" ({measured.write_us:.0f}); lock held {measured.held_ms:.0f} ms, {measured.most_held_ms:.0f} at p90"
        )
