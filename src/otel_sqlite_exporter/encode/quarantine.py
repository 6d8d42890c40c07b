# SPDX-License-Identifier: Apache-2.0
"""Quarantine rows: records that cannot become normal rows, with everything of them that can be read. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import UnreadableSourceError
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow
from otel_sqlite_exporter.model.values import encode_attributes, repair_text

_FIELDS = ("name", "context", "parent", "kind", "start_time", "end_time", "status", "events", "links", "resource")


def quarantine_span(span: Any, reason: BaseException, arrival_time_unix_nano: int) -> QuarantineRow:
    """Return the quarantine row of a span that could not be encoded."""
    content = {field: _read(span, field, repr) for field in _FIELDS}
    content["attributes"] = _read(span, "attributes", dict)
    for index, event in enumerate(_list_events(span)):
        content[f"events/{index}"] = {
            "name": _read(event, "name", repr),
            "timestamp": _read(event, "timestamp", repr),
            "attributes": _read(event, "attributes", dict),
        }
    return _make_row(content, reason, arrival_time_unix_nano)


def quarantine_fields(fields: Any, reason: BaseException, arrival_time_unix_nano: int) -> QuarantineRow:
    """Return the quarantine row of a log record or data point that could not be encoded. `fields` is its redacted
    LogFields or PointFields, or None if it could not be read at all."""
    content = {} if fields is None else {name: _read(fields, name, repr) for name in fields._fields}
    return _make_row(content, reason, arrival_time_unix_nano)


def quarantine_row(
    record: EncodedSpan | EncodedLog | EncodedPoint, reason: BaseException, arrival_time_unix_nano: int
) -> QuarantineRow:
    """Return the quarantine row of a record whose rows SQLite refused."""
    return _make_row({**record._asdict(), "row": record.row._asdict()}, reason, arrival_time_unix_nano)


def quarantine_piece(source: str, place: str, content: Any, reason: str, arrival_time_unix_nano: int) -> QuarantineRow:
    """Return the quarantine row of a piece of an imported source that could not be read, and where it stands."""
    fields = {"source": source, "place": place, "content": content}
    return _make_row(fields, UnreadableSourceError(f"{place} of {source}: {reason}"), arrival_time_unix_nano)


def _read(holder: Any, field: str, convert: Any) -> Any:
    try:
        return convert(getattr(holder, field))
    except Exception as error:
        return f"unreadable: {describe_error(error)}"


def _list_events(span: Any) -> Sequence[Any]:
    try:
        return tuple(span.events or ())
    except Exception:  # what is wrong with them is in the field
        return ()


def _make_row(content: dict[str, Any], reason: BaseException, arrival_time_unix_nano: int) -> QuarantineRow:
    try:
        text = encode_attributes(content).text
    except Exception as error:
        text = encode_attributes({"unreadable": type(error).__name__}).text
    sentence = repair_text(describe_error(reason))[0]
    digest = hashlib.blake2b(f"{sentence}\n{text}".encode(), digest_size=16).hexdigest()
    return QuarantineRow(digest, arrival_time_unix_nano, sentence, text)
