# SPDX-License-Identifier: Apache-2.0
"""Times `import` and `export`, each in its own process: `python -m benchmarks.transfer COMMAND...` runs one and prints
one JSON object."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans as encode_json
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_protobuf
from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.spans import BATCH, Content, build_spans
from otel_sqlite_exporter.cli.commands import cli

_PART = 4
"""The smaller of two files is this part of the larger, to see whether memory depends on the size."""


class Transfer(NamedTuple):
    """The cost of a command: its records, its wall time and CPU time in seconds, and the peak memory of its process."""

    what: str
    records: int
    seconds: float
    cpu_seconds: float
    peak_mib: float


def run_transfers(folder: Path, spans: int, text_bytes: int) -> Iterator[Transfer]:
    """Import the same spans from each format of OTLP, import an event log, and export the imported spans."""
    spans = max(-(-spans // BATCH), _PART) * BATCH
    for name, write in (("OTLP as JSON", _write_json), ("OTLP as protobuf", _write_protobuf)):
        for part in (_PART, 1):
            source = folder / "source"
            with source.open("wb") as file:
                for batch in _batches(build_spans(10, text_bytes), spans // part):
                    write(file, batch)
            into = folder / f"{name}.{part}.db"
            yield _run(f"import of {name}", spans // part, "import", source, "--into", into)
    yield _run("export", spans, "export", into, "--output", folder / "exported")
    with source.open("w") as log:
        _write_events(log, spans, text_bytes)
    yield _run("import of an event log", spans, "import", source, "--into", folder / "events.db")


def _run(what: str, records: int, *arguments: object) -> Transfer:
    command = [sys.executable, "-m", "benchmarks.transfer", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[1])
    return Transfer(what, records, **json.loads(done.stdout))


def _batches(spans: Iterator[ReadableSpan], count: int) -> Iterator[list[ReadableSpan]]:
    for _ in range(count // BATCH):
        yield list(islice(spans, BATCH))


def _write_json(file: IO[bytes], batch: Sequence[ReadableSpan]) -> None:
    file.write(json.dumps(encode_json(batch).to_dict(), separators=(",", ":")).encode() + b"\n")


def _write_protobuf(file: IO[bytes], batch: Sequence[ReadableSpan]) -> None:
    message = encode_protobuf(batch).SerializeToString()
    file.write(len(message).to_bytes(4, "big") + message)


def _write_events(file: IO[str], events: int, text_bytes: int) -> None:
    content = Content(text_bytes)
    for number in range(events):
        call, is_finish = divmod(number, 2)
        event: dict[str, Any] = {
            "schema_version": "1.0",
            "timestamp": f"2026-01-31T{call // 3600 % 24:02}:{call // 60 % 60:02}:{call % 60:02}.{5 * is_finish}Z",
            "trace_id": f"{call // 10 + 1:032x}",
            "span_id": f"{call + 1:016x}",
            "name": "llm.call.finish" if is_finish else "llm.call.start",
            "level": "INFO",
            "attributes": content.attributes("chat", content.session(call // 10)),
        }
        file.write(f"{json.dumps(event)}\n")


def main(arguments: Sequence[str]) -> None:
    """Run one command in this process and print its cost."""
    began, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cli(list(arguments), standalone_mode=False)
    taken = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**taken, "peak_mib": _peak_mib()}))


def _peak_mib() -> float:
    # Not ru_maxrss if /proc is there: a new process inherits the peak of its parent.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


if __name__ == "__main__":
    main(sys.argv[1:])
