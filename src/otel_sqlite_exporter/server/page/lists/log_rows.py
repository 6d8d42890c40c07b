# SPDX-License-Identifier: Apache-2.0
"""A log record as a row of the list: its body in one line, and its attributes, both cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.query.summaries import LogSummary
from otel_sqlite_exporter.server.api.api_answers import encode_json

_LINE, _LONGEST = 240, 4_000
"""Characters of the body in the row, and of each text below it."""
_MOST_ATTRIBUTES = 200


def make_log_row(record: LogSummary) -> SimpleNamespace:
    """Return the fields of a record, with `line`, `body` and `attributes` (pairs) as texts to show."""
    body = _write(decode_json(record.body, is_json=True))
    attributes = decode_json(record.attributes)
    pairs = [*attributes.items()] if isinstance(attributes, dict) else []
    fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
    fields |= {
        "line": _cut(" ".join(body[: 2 * _LINE].split()), _LINE),
        "body": _cut(body, _LONGEST),
        "attributes": [(name, _cut(_write(value), _LONGEST)) for name, value in pairs[:_MOST_ATTRIBUTES]],
        "others": max(0, len(pairs) - _MOST_ATTRIBUTES),
    }
    return SimpleNamespace(**fields)


def _write(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else encode_json(value).decode("utf-8", "replace")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
