# SPDX-License-Identifier: Apache-2.0
"""The messages of span events and log records as rows. Pure but for a cache."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS, RecordedMessages, read_record
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.rows import EventRow, MessagesRow
from otel_sqlite_exporter.model.values import decode_attributes, decode_value

_LONGEST = 8_000
Encoded = tuple[RecordedMessages, MessagesRow | None]


class MessageEncoder:
    """Reads the messages of records for one exporter. Each call of a conversation records what was said before it, so
    what short records hold is remembered by their JSON: to read it takes 10 us. Safe to use on several threads at
    once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, ...], Encoded] = {}

    def encode_events(self, rows: Sequence[EventRow]) -> list[tuple[int, Encoded]]:
        """Return the messages of the events of a span, with the place of each event."""
        return [
            (place, self.encode_record(row.name, row.attributes, row.attribute_types))
            for place, row in enumerate(rows)
            if row.name in MESSAGE_RECORDS
        ]

    def encode_record(
        self, name: str, attributes: str, types: str | None, body: str | None = None, body_types: str | None = None
    ) -> Encoded:
        """Return the messages of one of the `MESSAGE_RECORDS`. They are read from what is stored of it, so that
        reading them again gives the same."""
        key = (name, attributes, types, body, body_types)
        known = self._known.get(key)
        if known is None:
            content = None if body is None else decode_value(body, body_types)
            record = read_record(name, decode_attributes(attributes, types), content)
            known = record, record.encode()
            if len(attributes) + len(body or "") <= _LONGEST:
                remember(self._known, key, known)
        return known
