# SPDX-License-Identifier: Apache-2.0
"""A capture: what a package exported in each scenario, as JSON, and back as the SDK's own objects."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.trace.span import NonRecordingSpan

JSON = dict[str, Any]

ROOT = Path(__file__).parents[2]


def write_capture(path: Path, capture: JSON) -> None:
    """Write a capture, one record a line, so that a difference shows which record differs."""
    scenarios = []
    for name, scenario in capture["scenarios"].items():
        members = []
        for key, value in scenario.items():
            if isinstance(value, list) and value:
                lines = ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value)
                members.append(f"   {json.dumps(key)}: [\n{lines}\n   ]")
            else:
                members.append(f"   {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
        scenarios.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(members) + "\n  }")
    head = "".join(
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n"
        for key, value in capture.items()
        if key != "scenarios"
    )
    text = "{\n" + head + ' "scenarios": {\n' + ",\n".join(scenarios) + "\n }\n}\n"
    # Tracebacks name the files of the machine.
    for folder, name in ((sys.prefix, "/env"), (sys.base_prefix, "/python"), (str(ROOT), "/project")):
        text = text.replace(folder, name)
    path.write_text(text, encoding="utf-8")


def read_capture(path: Path) -> JSON:
    """A capture as it was written."""
    capture: JSON = json.loads(path.read_text(encoding="utf-8"))
    return capture


def encode_span(span: ReadableSpan) -> JSON:
    """Everything that an exporter can see of a span."""
    assert span.context is not None
    return {
        "name": span.name,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "kind": span.kind.name,
        "start_time_unix_nano": span.start_time,
        "end_time_unix_nano": span.end_time,
        "status": [span.status.status_code.name, span.status.description],
        "attributes": _attributes(span.attributes),
        "events": [
            {"name": event.name, "time_unix_nano": event.timestamp, "attributes": _attributes(event.attributes)}
            for event in span.events
        ],
        "links": [
            {
                "trace_id": f"{link.context.trace_id:032x}",
                "span_id": f"{link.context.span_id:016x}",
                "attributes": _attributes(link.attributes),
            }
            for link in span.links
        ],
        "resource": _attributes(span.resource.attributes),
        "scope": _scope(span.instrumentation_scope),
    }


def decode_span(record: JSON) -> ReadableSpan:
    """The span that was encoded."""
    trace_id = int(record["trace_id"], 16)
    parent = record["parent_span_id"]
    code, description = record["status"]
    return ReadableSpan(
        name=record["name"],
        context=_context(trace_id, record["span_id"]),
        parent=_context(trace_id, parent) if parent else None,
        kind=SpanKind[record["kind"]],
        start_time=record["start_time_unix_nano"],
        end_time=record["end_time_unix_nano"],
        status=Status(StatusCode[code], description),
        attributes=_restored(record["attributes"]),
        events=[
            Event(event["name"], _restored(event["attributes"]), event["time_unix_nano"]) for event in record["events"]
        ],
        links=[
            Link(_context(int(link["trace_id"], 16), link["span_id"]), _restored(link["attributes"]))
            for link in record["links"]
        ],
        resource=Resource(record["resource"]),
        instrumentation_scope=InstrumentationScope(*record["scope"]),
    )


def encode_log(log: ReadableLogRecord) -> JSON:
    """Everything that an exporter can see of a log record."""
    record = log.log_record
    return {
        "event_name": record.event_name,
        "trace_id": f"{record.trace_id:032x}" if record.trace_id else None,
        "span_id": f"{record.span_id:016x}" if record.span_id else None,
        "time_unix_nano": record.timestamp,
        "observed_time_unix_nano": record.observed_timestamp,
        "severity_number": record.severity_number.value if record.severity_number else None,
        "severity_text": record.severity_text,
        "body": record.body,
        "attributes": _attributes(record.attributes),
        "resource": _attributes(log.resource.attributes),
        "scope": _scope(log.instrumentation_scope),
    }


def decode_log(record: JSON) -> ReadableLogRecord:
    """The log record that was encoded."""
    context = None
    if record["trace_id"]:
        context = set_span_in_context(NonRecordingSpan(_context(int(record["trace_id"], 16), record["span_id"] or "0")))
    severity = record["severity_number"]
    return ReadableLogRecord(
        LogRecord(
            timestamp=record["time_unix_nano"],
            observed_timestamp=record["observed_time_unix_nano"],
            context=context,
            severity_number=None if severity is None else SeverityNumber(severity),
            severity_text=record["severity_text"],
            body=record["body"],
            attributes=_restored(record["attributes"]),
            event_name=record["event_name"],
        ),
        Resource(record["resource"]),
        InstrumentationScope(*record["scope"]),
    )


def sort_records(records: Iterable[JSON]) -> list[JSON]:
    """Records in the order in which they began."""
    return sorted(records, key=lambda record: record.get("start_time_unix_nano") or record.get("time_unix_nano") or 0)


def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _scope(scope: InstrumentationScope | None) -> list[str | None]:
    return ["", None] if scope is None else [scope.name, scope.version]


def _attributes(attributes: Mapping[str, Any] | None) -> JSON:
    return {key: _plain(value) for key, value in (attributes or {}).items()}


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as objects; what JSON cannot hold is refused when it is written."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value


def _restored(attributes: JSON) -> JSON:
    """Lists as tuples, as the SDK keeps them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()}
