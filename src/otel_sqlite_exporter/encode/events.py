# SPDX-License-Identifier: Apache-2.0
"""Encodes the events and links of a span as rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.pairs import link_within_span, split_phase
from otel_sqlite_exporter.model.event_names import find_name, is_name
from otel_sqlite_exporter.model.rows import EventRow, LinkRow, make_row
from otel_sqlite_exporter.model.values import (
    LARGEST,
    copy_attributes,
    decode_attributes,
    encode_attributes,
    encode_integer,
    encode_span_id,
    encode_sure,
    encode_trace_id,
    encode_trace_state,
    repair_text,
)

_MATE, _STEM = EventRow._fields.index("mate"), EventRow._fields.index("stem")


def encode_events(events: Sequence[Any], span_start: int) -> tuple[list[EventRow], int]:
    """Return a row for each event, with starts and finishes paired, and the number of repaired values."""
    repaired = 0
    rows: list[list[Any]] = []
    phased: list[tuple[str, str, int]] = []
    places: list[int] = []
    for event in events:
        name = event.name
        if type(name) is not str or not name.isascii():
            name, bad = repair_text(name)
            repaired += bad
        time, source = event.timestamp, None
        if type(time) is not int or not 0 <= time <= LARGEST:
            repaired += time is not None
            time, source = span_start, "span"
        attributes = copy_attributes(event.attributes)
        text, types = encode_sure(attributes), None
        if text is None:
            text, types, bad = encode_attributes(attributes)
            repaired += bad
        recorded = None
        if not is_name(name):
            shown = find_name(name, decode_attributes(text, types))
            if shown != name:
                name, recorded = shown, name
        stem, phase = split_phase(name)
        if stem is not None and phase is not None:
            phased.append((stem, phase, time))
            places.append(len(rows))
        dropped = getattr(event, "dropped_attributes", 0)
        rows.append([phase, name, time, source, None, stem, recorded, dropped, types, text])
    if phased:
        for index, mate in link_within_span(phased).items():
            row = rows[places[index]]
            row[_MATE], row[_STEM] = places[mate], None
    return [make_row(EventRow, row) for row in rows], repaired


def encode_links(links: Sequence[Any]) -> tuple[list[LinkRow], int]:
    """Return a row for each link, and the number of repaired values."""
    repaired = 0
    rows = []
    for link in links:
        context = link.context
        text, types, bad_values = encode_attributes(copy_attributes(link.attributes))
        trace_id = encode_trace_id(getattr(context, "trace_id", None))
        span_id = encode_span_id(getattr(context, "span_id", None))
        trace_state, bad = encode_trace_state(context)
        repaired += bad + bad_values + (trace_id is None) + (span_id is None)
        rows.append(
            LinkRow(
                trace_id or "0" * 32,
                span_id or "0" * 16,
                int(bool(getattr(context, "is_remote", False))),
                encode_integer(getattr(context, "trace_flags", 0), high=255) or 0,
                trace_state,
                getattr(link, "dropped_attributes", 0),
                types,
                text,
            )
        )
    return rows, repaired
