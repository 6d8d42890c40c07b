# SPDX-License-Identifier: Apache-2.0
"""Agent runs of many turns: the size and the time of the history that every model call repeats.

A turn is a message of the user, a call that requests a tool, the tool, and a call that answers. Each of the two calls
has the whole conversation so far in its `gen_ai.input.messages`, and the definitions of eight tools. 2 kB of a turn are
new.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter

_BATCH = 64
_WORDS = [
    "the",
    "agent",
    "read",
    "a",
    '"file"',
    "and",
    "found:",
    "cache",
    "misses\\",
    "grow",
    "with",
    "naïve",
    "retries",
]
_READ = "SELECT attributes FROM spans WHERE name = 'chat gpt-4.1'"


class Stored(NamedTuple):
    """The cost of runs: bytes of the file for a turn, CPU for a span, time to read all attributes of one call."""

    bytes_a_turn: float
    cpu_us_a_span: float
    read_us_a_call: float


def store_runs(path: Path, runs: int, turns: int, *, is_shared: bool) -> Stored:
    """Write `runs`, each of `turns`, to a new file at `path`. Without `is_shared`, every history is stored whole."""
    spans = [span for number in range(runs) for span in build_run(number, turns)]
    with patch("otel_sqlite_exporter.write.batch.SHORTEST", 0 if is_shared else sys.maxsize):
        exporter = SQLiteSpanExporter(path)
        exporter.export(())
        source = iter(spans)
        began = time.process_time()
        while batch := list(islice(source, _BATCH)):
            exporter.export(batch)
        cpu_s = time.process_time() - began
        exporter.shutdown()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        began = time.perf_counter()
        calls = len(file.execute(_READ).fetchall())
        read_s = time.perf_counter() - began
    return Stored(os.path.getsize(path) / runs / turns, cpu_s / len(spans) * 1e6, read_s / calls * 1e6)


def build_run(seed: int, turns: int) -> Iterator[ReadableSpan]:
    """Yield the spans of one agent run in the order of their ends."""
    run = _Run(seed)
    for _ in range(turns):
        run.say("user", _text_part(run.text(200)))
        call = {"type": "tool_call", "id": run.identifier("call"), "name": "tool_3", "arguments": {"q": run.text(80)}}
        yield run.call(_text_part(run.text(150)), call)
        result = run.text(1_200)
        yield run.span("execute_tool tool_3", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "tool_3"})
        run.say("tool", {"type": "tool_call_response", "id": call["id"], "response": result})
        yield run.call(_text_part(run.text(400)))


class _Run:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._trace = self._random.getrandbits(128) | 1
        self._time = 1_795_000_000_000_000_000
        self._resource = Resource({"service.name": "benchmarks"})
        self._scope = InstrumentationScope("benchmarks", "1.0")
        self._history: list[dict[str, Any]] = []
        self.say("system", _text_part(self.text(3_000)))
        self._tools = json.dumps(
            [{"type": "function", "name": f"tool_{number}", "description": self.text(250)} for number in range(8)]
        )

    def text(self, length: int) -> str:
        words = (f"{self._random.choice(_WORDS)} {self._random.randrange(1_000)}" for _ in range(length // 5))
        return " ".join(words)[:length]

    def identifier(self, prefix: str) -> str:
        return f"{prefix}_{self._random.getrandbits(96):024x}"

    def say(self, role: str, *parts: dict[str, Any]) -> None:
        self._history.append({"role": role, "parts": parts})

    def call(self, *answer: dict[str, Any]) -> ReadableSpan:
        asked = json.dumps(self._history, ensure_ascii=False)
        self.say("assistant", *answer)
        return self.span(
            "chat gpt-4.1",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4.1",
                "gen_ai.response.id": self.identifier("chatcmpl"),
                "gen_ai.usage.input_tokens": len(asked) // 4,
                "gen_ai.usage.output_tokens": self._random.randrange(900),
                "gen_ai.input.messages": asked,
                "gen_ai.output.messages": json.dumps(self._history[-1:], ensure_ascii=False),
                "gen_ai.tool.definitions": self._tools,
            },
        )

    def span(self, name: str, attributes: dict[str, Any]) -> ReadableSpan:
        self._time += 2_000_000_000
        return ReadableSpan(
            name,
            SpanContext(self._trace, self._random.getrandbits(64) | 1, False, TraceFlags(1)),
            resource=self._resource,
            attributes=attributes,
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.UNSET),
            start_time=self._time,
            end_time=self._time + 1_000_000_000,
            instrumentation_scope=self._scope,
        )


def _text_part(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}
