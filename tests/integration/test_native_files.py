# SPDX-License-Identifier: Apache-2.0
"""A file that the compiled encoder filled shows what one that the Python encoder filled shows."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.spans import trace_spans
from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from tests.native_spans import read_captured_spans

span_encoder = pytest.importorskip(
    "otel_sqlite_exporter.native.span_encoder", reason="the compiled encoder was not built"
)
pytestmark = pytest.mark.core
IS_SANITIZED = import_module("otel_sqlite_exporter.native.built").IS_SANITIZED
# What tells of the writing itself.
_OF_THE_WRITER = {"exporter_health", "exporter_runs", "_open_runs"}


def write(path: Path, encoder: Any, spans: list[Any]) -> None:
    exporter = SQLiteSpanExporter(path, cost="off")
    exporter._encoder = encoder
    for start in range(0, len(spans), 300):
        exporter.export_open(spans[start : start + 100])
        exporter.export(spans[start : start + 300])
    exporter.shutdown()


def read_views(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
        return {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in {*names} - _OF_THE_WRITER}


def test_both_encoders_fill_the_same_views(tmp_path: Path) -> None:
    spans = [*itertools.islice(trace_spans(), 60), *itertools.islice(read_captured_spans(), 250)]
    python = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
    native = span_encoder.NativeSpanEncoder(SpanEncoder(DEFAULT_SESSION_ATTRIBUTES))
    write(tmp_path / "python.db", python, spans)
    write(tmp_path / "native.db", native, spans)
    expected = read_views(tmp_path / "python.db")
    assert read_views(tmp_path / "native.db") == expected
    assert expected["spans"]
    assert native.handed_over == 0


_SHORT_OF_MEMORY = """
import resource
from benchmarks.spans import trace_spans
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.native.span_encoder import NativeSpanEncoder
encoder = NativeSpanEncoder(SpanEncoder(()))
small, large = next(trace_spans()), next(trace_spans())
large._attributes = {"text": chr(0x1F600) * 1_300_000, "number": 1.5}
encoder.encode_span(small, 1)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), resource.RLIM_INFINITY))
blocks, refused, encoded = [], 0, 0
try:
    while True:
        blocks.append(bytes(1 << 20))
except MemoryError:
    pass
while blocks:
    for span in (small, large):
        try:
            encoder.encode_span(span, 1)
            encoded += 1
        except MemoryError:
            refused += 1
    del blocks[-2:]
print(refused, encoded, encoder.handed_over)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads how much memory the process has")
@pytest.mark.skipif(IS_SANITIZED, reason="AddressSanitizer takes terabytes of addresses")
def test_a_process_that_is_short_of_memory_gets_a_memory_error() -> None:
    run = subprocess.run([sys.executable, "-c", _SHORT_OF_MEMORY], capture_output=True, text=True, check=True)
    refused, encoded, handed_over = map(int, run.stdout.split())
    assert refused > 0
    assert encoded > 0
    assert handed_over == 0
