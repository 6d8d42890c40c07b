# SPDX-License-Identifier: Apache-2.0
"""Batches as bytes, for the spool. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from otel_sqlite_exporter.errors import SpoolError
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedLog,
    EncodedSpan,
    EventRow,
    Interactions,
    LinkRow,
    LLMInteractionRow,
    LogRow,
    MessagesRow,
    Naming,
    QuarantineRow,
    Records,
    ResourceRow,
    ScopeRow,
    SpanRow,
    ToolCallRow,
    ToolInteractionRow,
    ToolResultRow,
)
from otel_sqlite_exporter.write.exporter_runs import Run

_FORMAT = 1
_ROWS: dict[str, Any] = {
    "spans": EncodedSpan,
    "logs": EncodedLog,
    "quarantine": QuarantineRow,
    "EncodedSpan.row": SpanRow,
    "EncodedLog.row": LogRow,
    "resource": ResourceRow,
    "scope": ScopeRow,
    "own_session": Naming,
    "session": Naming,
    "user": Naming,
    "events": EventRow,
    "links": LinkRow,
    "interactions": Interactions,
    "llm": LLMInteractionRow,
    "tool": ToolInteractionRow,
    "tool_calls": ToolCallRow,
    "tool_results": ToolResultRow,
    "messages": MessagesRow,
}
# Rows that come each with the place of an event.
_OF_EVENTS = {"record_interactions": "interactions", "record_messages": "messages"}
_MANY = ("events", "links", "tool_calls", "tool_results")


def dump_batch(records: Records, run: Run, time_unix_nano: int) -> bytes:
    """Return a batch of `run` as bytes. Rows come with the names of their columns, for other versions to read them."""
    document = {
        "format": _FORMAT,
        "time_unix_nano": time_unix_nano,
        "run": run.dump(),
        "columns": {row.__name__: row._fields for row in _ROWS.values()},
        "spans": records.spans,
        "logs": records.logs,
        "quarantine": records.quarantine,
    }
    return zlib.compress(orjson.dumps(document, default=tuple), 1)


def load_batch(content: bytes) -> tuple[Records, Run, int]:
    """Return what `dump_batch` was given.

    Raises:
        SpoolError: It was written by a newer version, or is no batch.
    """
    try:
        document = orjson.loads(zlib.decompress(content))
        version = document["format"]
        if version <= _FORMAT:
            columns = document["columns"]
            kinds = ("spans", "logs", "quarantine")
            rows = {kind: [_load(kind, row, columns) for row in document[kind]] for kind in kinds}
            return Records(**rows), Run.load(document["run"]), document["time_unix_nano"]
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpoolError(f"a batch in the spool cannot be read: {error!r}") from error
    raise SpoolError(f"a batch in the spool has format {version}: upgrade with `pip install -U otel-sqlite-exporter`")


def _load(kind: str, values: Any, columns: Mapping[str, list[str]]) -> Any:
    row_type = _ROWS[kind]
    noted = dict(zip(columns[row_type.__name__], values, strict=True))
    row = {}
    for name in row_type._fields:
        value = noted.get(name, row_type._field_defaults.get(name))
        inner = f"{row_type.__name__}.row" if name == "row" else name
        if inner in _ROWS and isinstance(value, list):
            many = name in _MANY
            value = [_load(inner, one, columns) for one in value] if many else _load(inner, value, columns)
        elif name in _OF_EVENTS:
            value = [(place, _load(_OF_EVENTS[name], one, columns)) for place, one in value]
        row[name] = value
    if row_type is Interactions and not any(row.values()):
        return NO_INTERACTIONS
    return row_type(**row)
