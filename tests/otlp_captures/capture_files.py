# SPDX-License-Identifier: Apache-2.0
"""A capture of OTLP: the records that a package or a program exported, and the truth about them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from otel_sqlite_exporter.imports.importer import Importer
from otel_sqlite_exporter.imports.sources import ImportSource
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import ROOT
from tests.otlp_captures.differences import JSON

FOLDER = ROOT / "tests/captures/otlp"
_GROUPS = {
    "resourceSpans": ("scopeSpans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
    "resourceMetrics": ("scopeMetrics", "metrics"),
}
_TRUTH = ("calls", "tokens", "untold_calls", "tool_runs", "told")


class Capture(NamedTuple):
    """What `tests/captures/otlp/NAME.json.gz` holds."""

    name: str
    versions: dict[str, str]
    """Of the packages that were run, by name."""
    truth: JSON
    """`calls` (what was served), `tokens` (their sums, as far as the package tells them), `untold_calls` (the numbers
    of the calls whose tokens it does not tell), `tool_runs`, and `told` (what the program named); of a service also
    `requests` (how many requests of users it has answered, by method, route and status)."""
    lines: list[str]
    """OTLP as JSON, as it was exported."""


def list_captures() -> list[str]:
    """The names of all captures."""
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


def read_capture(name: str) -> Capture:
    """The capture of this name."""
    held = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    truth = {key: held[key] for key in _TRUTH} | {"requests": held.get("requests", [])}
    return Capture(name, held["versions"], truth, [json.dumps(line) for line in held["lines"]])


def write_capture(capture: Capture) -> Path:
    """Write a capture to its file."""
    lines = [json.loads(line) for line in capture.lines]
    held = {"versions": capture.versions, **capture.truth, "lines": lines}
    path = FOLDER / f"{capture.name}.json.gz"
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return path


def split_records(lines: Iterable[str]) -> Iterator[str]:
    """Each span, log record and metric as a message of its own."""
    for line in lines:
        for outer, resources in json.loads(line).items():
            middle, inner = _GROUPS[outer]
            for resource in resources:
                for scope in resource[middle]:
                    for record in scope[inner]:
                        yield json.dumps({outer: [{**resource, middle: [{**scope, inner: [record]}]}]})


def import_batches(path: Path, batches: Iterable[Sequence[str]]) -> None:
    """Import messages into a file, each batch in a transaction of its own."""
    importer = Importer(resolve_settings(path=path), None)
    for number, batch in enumerate(batches):
        source = ImportSource(f"batch {number}", io.BytesIO("\n".join(batch).encode()))
        report = importer.import_source(source, lambda _: None)
        assert not report.refusals
    importer.close()
