# SPDX-License-Identifier: Apache-2.0
"""A value that stands where it cannot be read is in no reason, log line or report, whatever fails because of it."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext

from tests.commands import run_process
from tests.conftest import exporting, make_spans, read
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_privacy import CONTEXT, PATTERNS, SECRET, assert_is_nowhere
from tests.integration.test_sdk_contract import UnwritableAttributes
from tests.source_files import make_agent_spans, make_events, make_logs, write_lines, write_otlp_lines

VALUES: list[Any] = [SECRET, [SECRET], {SECRET: SECRET}, {"stringValue": SECRET}, f"12 {SECRET}"]


def spoil(value: Any, bad: Any) -> Iterator[Any]:
    """Yield `value` with each of its parts in turn replaced by `bad`."""
    yield bad
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from ({**value, key: one} for one in spoil(item, bad))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], one, *value[place + 1 :]] for one in spoil(item, bad))


def otlp_messages(path: Path) -> list[Any]:
    lines = write_otlp_lines(path, make_agent_spans()[:1], make_logs(1)[1:]).read_text().splitlines()
    return [json.loads(line) for line in lines]


def write_source(kind: str, path: Path) -> None:
    """Write a file with the secret in each place in turn, of which some parts cannot be read."""
    if kind == "protobuf":
        message = ParseDict(_as_protobuf(otlp_messages(path.with_suffix(".json"))[0]), TracesData())
        span = message.resource_spans[0].scope_spans[0].spans[0]
        span.name, span.trace_state, span.trace_id = SECRET, SECRET, SECRET.encode()
        span.attributes.add().key = SECRET
        frames = [message.SerializeToString(), SECRET.encode()]
        span.trace_id = b"\x01" * 16
        frames += [message.SerializeToString(), message.SerializeToString()[:-9] + SECRET.encode()]
        path.write_bytes(b"".join(struct.pack(">I", len(frame)) + frame for frame in frames) + SECRET.encode())
        return
    whole = make_events(1) if kind == "events" else otlp_messages(path.with_suffix(".json"))
    spoiled = [one for value in VALUES for part in whole for one in spoil(part, value)]
    write_lines(path, [*spoiled, {"name": "kept", "timestamp": 1}])
    with path.open("a") as file:
        file.write(f'{{"name": "{SECRET}", "timestamp": \n{SECRET}\n["{SECRET}\n')


def _as_protobuf(message: Any) -> Any:
    """OTLP writes ids in hexadecimal where JSON of protobuf has base64; here they are left out."""
    if isinstance(message, Mapping):
        return {key: _as_protobuf(item) for key, item in message.items() if not key.endswith(("Id", "bytesValue"))}
    return [*map(_as_protobuf, message)] if isinstance(message, list) else message


@pytest.mark.parametrize("kind", ["otlp", "protobuf", "events"])
def test_an_import_leaks_nothing_from_any_field(kind: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target" / "kept.db"
    write_source(kind, source)
    masked = run_process("import", source, "--into", target, "--json", OTEL_EXPORTER_SQLITE_REDACT_VALUES=PATTERNS[0])
    assert_is_nowhere(target)
    assert SECRET not in "".join(masked[1:])
    assert "[redacted]" in str(read(target, "SELECT content FROM _quarantine"))
    plain = tmp_path / "plain.db"
    code, *printed = run_process("import", source, "--into", plain)
    assert code == 1
    assert SECRET not in "".join(printed)
    assert not [reason for (reason,) in read(plain, "SELECT reason FROM _quarantine") if SECRET in reason]


class Hostile:
    """A value whose every use raises an error with the secret in its message."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def _fail(self, *_: Any) -> NoReturn:
        raise self._error(f"no: {SECRET}")

    __str__ = __repr__ = __iter__ = __len__ = __bool__ = __eq__ = __hash__ = __getattr__ = __int__ = __index__ = _fail


def hostile_spans(error: type[Exception]) -> list[ReadableSpan]:
    def failing(field: str) -> type[ReadableSpan]:
        return type("Failing", (ReadableSpan,), {field: property(Hostile(error)._fail)})

    fields = ("name", "context", "parent", "kind", "status", "attributes", "events", "links", "resource")
    other = ("start_time", "end_time", "instrumentation_scope", "dropped_attributes", "dropped_events")
    spans = [failing(field)(SECRET, CONTEXT, attributes={"a": SECRET}) for field in (*fields, *other)]
    value: Any = Hostile(error)
    spans += [
        ReadableSpan(SECRET, CONTEXT, attributes={"a": value}),
        ReadableSpan(SECRET, CONTEXT, attributes={value.__class__: SECRET}),
        ReadableSpan(SECRET, CONTEXT, events=[Event(SECRET, {"a": value}), Event(value)]),
        ReadableSpan(SECRET, CONTEXT, links=[Link(value), Link(CONTEXT, {"a": value})]),
        ReadableSpan(SECRET, SpanContext(0, 0, False)),
        ReadableSpan(SECRET, None, attributes={SECRET: SECRET}),
        ReadableSpan(SECRET, SpanContext(1, 2, False), attributes=UnwritableAttributes(SECRET)),
        ReadableSpan(SECRET, SpanContext(1, 2, False), attributes=UnwritableAttributes(value)),
    ]
    return spans


@pytest.mark.parametrize("error", [ValueError, KeyError, OSError, UnicodeError, RuntimeError])
def test_an_export_leaks_nothing_from_any_field(
    error: type[Exception],
    path: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for target, rules in ((path, {"redact_values": PATTERNS}), (tmp_path / "plain.db", {})):
        with exporting(target, **rules) as exporter:
            for span in hostile_spans(error):
                exporter.export([span, *make_spans("kept")])
        with logging_to(target, **rules) as log_exporter:
            log_exporter.export([make_log(event_name="kept", body=Hostile(error), attributes={"a": Hostile(error)})])
        assert not [reason for (reason,) in read(target, "SELECT reason FROM _quarantine") if SECRET in reason]
        if rules:
            assert_is_nowhere(target)
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())
