# SPDX-License-Identifier: Apache-2.0
"""Tries the package as it is installed: it writes a span and reads it. The argument is what `info` must say of the
compiled core, such as `in use`. The tests of wheels run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor


def try_installed(folder: Path, core: str) -> None:
    """Write a call into a file in `folder`, and exit with a message if `info` shows another core or no call."""
    path = folder / "otel.db"
    provider = TracerProvider()
    provider.add_span_processor(SQLiteSpanProcessor(path))
    with provider.get_tracer("try").start_as_current_span("chat m") as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "text": 'naïve "😀"'})
        span.add_event("llm.stream.start", {"number": 1.5})
    provider.shutdown()
    command = [sys.executable, "-m", "otel_sqlite_exporter", "info", "--json", str(path)]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = shown["compiled_core"], shown["contents"]["counts"]["complete_llm_interactions"]
    if found != (core, 1):
        sys.exit(f"the compiled core is {found[0]}, with {found[1]} calls; expected: {core}, with 1")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        try_installed(Path(folder), *sys.argv[1:])
