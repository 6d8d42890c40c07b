# SPDX-License-Identifier: Apache-2.0
"""The formats of documents that can be imported: one table, in the order in which they are tried. Pure.

Each format has a module that recognises its documents and gives what is in them as OTLP messages. So one decoder reads
the records of all formats, except the lines of event logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from otel_sqlite_exporter.imports.event_logs import is_event
from otel_sqlite_exporter.imports.formats import agent_transcripts, foreign_records
from otel_sqlite_exporter.imports.formats import javascript_records as javascript
from otel_sqlite_exporter.imports.formats import python_records as python
from otel_sqlite_exporter.imports.formats.javascript_metrics import is_javascript_metric, read_javascript_metrics
from otel_sqlite_exporter.imports.formats.otlp_messages import is_otlp, read_otlp
from otel_sqlite_exporter.imports.formats.python_metrics import is_python_metric, read_python_metrics
from otel_sqlite_exporter.otlp.otlp_decoder import find_signals

_ENVELOPES = ("result", "trace", "data", "traces", "results", "spans")
_DEEPEST_ENVELOPE = 8


class SourceFormat(NamedTuple):
    """A format of documents: its name for people, whether a document has it, and how the document is read as an OTLP
    message. `advice` follows the name of a file that has a format which cannot be imported."""

    name: str
    is_one: Callable[[dict[str, Any]], bool]
    read: Callable[[dict[str, Any]], dict[str, Any]] | None
    advice: str | None = None


class FoundDocument(NamedTuple):
    """A document in a value: its format (None: unknown), its OTLP message (None: it is an event, or cannot be read),
    and its content."""

    format: SourceFormat | None
    message: dict[str, Any] | None
    content: Any


EVENT_LOG = SourceFormat("event log", is_event, None)
_FORMATS = (
    # Before OTLP, whose names these have too.
    SourceFormat("metrics of the JavaScript SDK", is_javascript_metric, read_javascript_metrics),
    SourceFormat("metrics of the Python SDK", is_python_metric, read_python_metrics),
    SourceFormat("OTLP", is_otlp, read_otlp),
    SourceFormat("spans of the JavaScript SDK", javascript.is_javascript_span, javascript.read_javascript_span),
    SourceFormat(
        "log records of the JavaScript SDK",
        javascript.is_javascript_log,
        javascript.read_javascript_log,
    ),
    SourceFormat("spans of the Python SDK", python.is_python_span, python.read_python_span),
    SourceFormat("log records of the Python SDK", python.is_python_log, python.read_python_log),
    SourceFormat(
        "Langfuse",
        foreign_records.is_langfuse,
        None,
        "is an export of Langfuse, which cannot be imported: send OTLP to Langfuse and to this exporter side by side",
    ),
    SourceFormat(
        "LangSmith",
        foreign_records.is_langsmith,
        None,
        "is an export of LangSmith, which cannot be imported: let LangSmith's SDK send OpenTelemetry "
        "(`LANGSMITH_OTEL_ENABLED=true`) and use this exporter",
    ),
    SourceFormat(
        "Jaeger",
        foreign_records.is_jaeger,
        None,
        "is JSON of Jaeger's UI, which has less than OTLP: get the trace as OTLP from `/api/v3/traces/ID` of Jaeger",
    ),
    SourceFormat(
        "Zipkin",
        foreign_records.is_zipkin,
        None,
        "is JSON of Zipkin, which has less than OTLP: let a Collector with a `zipkin` receiver and a `file` exporter "
        "write it as OTLP",
    ),
    SourceFormat(
        "session of Claude Code",
        agent_transcripts.is_claude_code,
        None,
        "is a session that Claude Code wrote for itself, which is no telemetry: let it send OpenTelemetry "
        "(`CLAUDE_CODE_ENABLE_TELEMETRY=1`) to a Collector with a `file` exporter, and import that file",
    ),
    SourceFormat(
        "session of Codex",
        agent_transcripts.is_codex,
        None,
        "is a session that Codex wrote for itself, which is no telemetry: let it send OpenTelemetry (`[otel]` in "
        "`~/.codex/config.toml`) to a Collector with a `file` exporter, and import that file",
    ),
    SourceFormat(
        "chat of Gemini CLI",
        agent_transcripts.is_gemini_cli,
        None,
        "is a chat that Gemini CLI wrote for itself, which is no telemetry: set `telemetry.outfile` in "
        "`~/.gemini/settings.json`, and import that file",
    ),
    EVENT_LOG,
)


def find_documents(value: Any, depth: int = 0) -> Iterator[FoundDocument]:
    """Yield the documents in a parsed value: itself, those of an array, or those in an envelope such as `result`."""
    if isinstance(value, list) and depth < _DEEPEST_ENVELOPE:
        for item in value:
            yield from find_documents(item, depth + 1)
        return
    if not isinstance(value, dict):
        yield FoundDocument(None, None, value)
        return
    found = next((one for one in _FORMATS if one.is_one(value)), None)
    if found is not None:
        yield FoundDocument(found, found.read(value) if found.read else None, value)
        return
    holders = [value[key] for key in _ENVELOPES if isinstance(value.get(key), (dict, list))]
    inner = [one for holder in holders if depth < _DEEPEST_ENVELOPE for one in find_documents(holder, depth + 1)]
    if any(one.format is not None for one in inner):
        yield from inner
    else:
        yield FoundDocument(None, None, value)


def is_known_format(value: Any) -> bool:
    """Return whether a parsed value has a document that can be imported."""
    return any(found.format is not None and found.format.advice is None for found in find_documents(value))


def explain_refusal(values: Iterable[Any]) -> str | None:
    """Return what to do about the first of the values that has a format which cannot be imported."""
    documents = (found for value in values for found in find_documents(value))
    return next((found.format.advice for found in documents if found.format and found.format.advice), None)


def find_ignored(message: dict[str, Any]) -> set[str]:
    """Return the signals in a message that are not stored."""
    return find_signals(message) - {"traces", "logs", "metrics"}
