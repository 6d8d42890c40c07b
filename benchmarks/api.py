# SPDX-License-Identifier: Apache-2.0
"""Times answers of the HTTP API, and what reading through it costs a writer. Run it with `python -m benchmarks.api`."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx

from benchmarks.spans import BATCH, TEXT_BYTES, build_chain, build_spans
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.server.serve_options import ServeOptions
from otel_sqlite_exporter.server.serving import TelemetryServer
from otel_sqlite_exporter.settings import resolve_settings

_SPANS, _REPEATS, _ROUNDS, _BATCHES = 50_000, 20, 20, 8
_FACETS = "/facets?of=spans&field=name&field=status"
_PAGES = ("/traces", "/spans", "/calls", "/sessions", "/events", _FACETS, "/services")
_LIVE = ("/traces", "/spans", "/facets?of=spans&field=name", "/sessions")
_PAUSE_S = 0.25


def main() -> None:
    """Print a line for each answer, and the ratio of writing with readers to writing without."""
    with tempfile.TemporaryDirectory(prefix="otel-bench-") as folder:
        path = Path(folder) / "otel.db"
        with _Writer(path) as writer:
            for first in range(0, _SPANS, BATCH):
                writer.export(build_chain(first, min(first + BATCH, _SPANS)))
            writer.write(_BATCHES)
            server = TelemetryServer(resolve_settings(path), ServeOptions(port=0, has_receiver=False))
            thread = threading.Thread(target=server.run)
            thread.start()
            try:
                server.wait_until_started(60)
                with httpx.Client(base_url=f"{server.base_urls[0]}/api/v1", timeout=60) as client:
                    for line in time_answers(client):
                        print(line, flush=True)
                    print(compare_writing(client, writer))
            finally:
                server.stop()
                thread.join()


class _Writer:
    def __init__(self, path: Path) -> None:
        self._exporter = SQLiteSpanExporter(path)
        self._spans = build_spans(10, TEXT_BYTES)
        self.export = self._exporter.export

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._exporter.shutdown()

    def write(self, batches: int) -> float:
        """Write so many batches, and return the seconds of CPU of this thread."""
        made = [[*islice(self._spans, BATCH)] for _ in range(batches)]
        began = time.thread_time()
        for batch in made:
            self.export(batch)
        return time.thread_time() - began


def time_answers(client: httpx.Client) -> Iterator[str]:
    """Yield the median time of each answer, of one that has not changed, and of a skeleton."""
    traces = client.get("/traces", params={"limit": 500}).json()["data"]
    largest = max(traces, key=lambda trace: trace["spans"])
    for path in _PAGES:
        yield f"{path}: {_time(client, path):.1f} ms"
    yield f"a trace of {largest['spans']:,} spans: {_time(client, '/traces/' + largest['trace_id']):.1f} ms"
    etag = client.get("/spans").headers["etag"]
    yield f"/spans, not changed: {_time(client, '/spans', etag):.1f} ms"


def _time(client: httpx.Client, path: str, etag: str = "") -> float:
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        answer = client.get(path, headers={"If-None-Match": etag})
        assert answer.status_code == (304 if etag else 200)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def compare_writing(client: httpx.Client, writer: _Writer) -> str:
    """Return the ratio of the CPU of a writer beside a reader to that of one alone, by turns."""
    reads, stop = threading.Event(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            for path in _LIVE:
                if reads.wait(_PAUSE_S):
                    client.get(path)
                    time.sleep(_PAUSE_S)

    thread = threading.Thread(target=read)
    thread.start()
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(_ROUNDS):
        for times, is_read in ((alone, False), (beside, True)):
            (reads.set if is_read else reads.clear)()
            times.append(writer.write(_BATCHES))
    stop.set()
    thread.join()
    return f"CPU of writing beside a reader: {statistics.median(beside) / statistics.median(alone):.2f} of that alone"


if __name__ == "__main__":
    main()
