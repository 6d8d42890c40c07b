# SPDX-License-Identifier: Apache-2.0
"""The messages of span events and log records as rows. Pure but for a cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS, RecordedMessages, read_record
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.cut_values import uncut
from otel_sqlite_exporter.model.rows import EventRow, MessagesRow
from otel_sqlite_exporter.model.values import copy_attributes

_LONGEST = 8_000
Encoded = tuple[RecordedMessages, MessagesRow | None]


class MessageEncoder:
    """Reads the messages of records for one exporter. Each call of a conversation records what was said before it, so
    what short records hold is remembered by their JSON: to read it takes 10 us. Safe to use on several threads at
    once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, ...], Encoded] = {}

    def encode_events(self, events: Sequence[Any], rows: Sequence[EventRow]) -> list[tuple[int, Encoded]]:
        """Return the messages of the `events` of a span that are encoded as `rows`, with the place of each event."""
        return [
            (place, self.encode_record(row.name, events[place].attributes, None, row.attributes, row.attribute_types))
            for place, row in enumerate(rows)
            if row.name in MESSAGE_RECORDS
        ]

    def encode_record(self, name: str, attributes: Any, body: Any, *texts: str | None) -> Encoded:
        """Return the messages of one of the `MESSAGE_RECORDS`. `texts` are its JSON, and notes of types."""
        key = (name, *texts)
        known = self._known.get(key)
        if known is None:
            record = read_record(name, uncut(copy_attributes(attributes)), uncut(body))
            known = record, record.encode()
            if sum(len(text) for text in texts if text) <= _LONGEST:
                remember(self._known, key, known)
        return known
