# SPDX-License-Identifier: Apache-2.0
"""Fields that arrive unchecked: hand-made spans hold what no provider makes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from otel_sqlite_exporter.encode.quarantine import quarantine_row, quarantine_span
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.errors import UnstorableSpanError
from otel_sqlite_exporter.model.rows import EncodedSpan

_ARRIVAL = 1_795_000_000_000_000_000
_CONTEXT = SpanContext(1, 2, False, TraceFlags(1))


def _encode(**fields: Any) -> EncodedSpan:
    span = ReadableSpan(**{"name": "span", "context": _CONTEXT, "start_time": 10, "end_time": 20, **fields})
    return SpanEncoder(("session.id",)).encode_span(span, _ARRIVAL)


def _times(**fields: Any) -> tuple[int, str | None, int, str | None]:
    row = _encode(**fields).row
    return row.start_time_unix_nano, row.start_time_source, row.end_time_unix_nano, row.end_time_source


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ({}, (10, None, 20, None)),
        ({"start_time": 20, "end_time": 10}, (20, None, 10, None)),
        ({"end_time": None}, (10, None, 10, "span")),
        ({"start_time": None}, (20, "span", 20, None)),
        ({"start_time": None, "end_time": None}, (_ARRIVAL, "arrival", _ARRIVAL, "arrival")),
        ({"end_time": None, "attributes": {"end_time_unix_nano": 15}}, (10, None, 15, "attribute")),
        ({"start_time": None, "attributes": {"start_time_unix_nano": 5}}, (5, "attribute", 20, None)),
        (
            {"start_time": None, "end_time": None, "events": [Event("b", {}, 7), Event("a", {}, 3)]},
            (3, "event", 7, "event"),
        ),
        ({"start_time": -1, "end_time": 2**63}, (_ARRIVAL, "arrival", _ARRIVAL, "arrival")),
        ({"start_time": "10", "end_time": 1.5}, (_ARRIVAL, "arrival", _ARRIVAL, "arrival")),
    ],
)
@pytest.mark.row("A time that is not an integer of 64 bits")
def test_a_missing_time_is_taken_from_the_next_source_and_says_so(
    fields: dict[str, Any], times: tuple[int, str | None, int, str | None]
) -> None:
    assert _times(**fields) == times


def test_a_time_that_cannot_be_used_is_counted_as_repaired_and_a_missing_one_is_not() -> None:
    assert _encode(start_time=-1, end_time="x").repaired == 2
    assert _encode(start_time=None, end_time=None).repaired == 0


def test_an_event_without_a_usable_time_has_its_spans() -> None:
    event = Event("a", {}, 12)
    event._timestamp = 2**70
    encoded = _encode(events=[event])
    assert (encoded.events[0].time_unix_nano, encoded.events[0].time_source, encoded.repaired) == (10, "span", 1)


@pytest.mark.parametrize(
    "context",
    [
        None,
        SpanContext(0, 2, False),
        SpanContext(1, 0, False),
        SpanContext(1 << 128, 2, False),
        SpanContext(1, -2, False),
        "no context",
    ],
)
def test_a_span_without_valid_ids_is_refused(context: Any) -> None:
    with pytest.raises(UnstorableSpanError, match="no valid trace id and span id"):
        _encode(context=context)


def test_ids_are_hexadecimal_with_leading_zeros() -> None:
    encoded = _encode(parent=SpanContext(1, 255, True))
    assert (encoded.trace_id, encoded.row.span_id) == ("0" * 31 + "1", "0" * 15 + "2")
    assert (encoded.row.parent_span_id, encoded.row.parent_is_remote) == ("0" * 14 + "ff", 1)


@pytest.mark.row("A name that is not a text", "An invalid parent id", "An invalid id in a link")
def test_one_bad_field_costs_only_itself() -> None:
    class Broken:
        def __bool__(self) -> bool:
            return True

        def to_header(self) -> str:
            raise RuntimeError("no header")

    context = SpanContext(1, 2, False, TraceFlags(1), Broken())  # type: ignore[arg-type]
    links = [Link(None, {"a": b"x"})]  # type: ignore[arg-type]
    encoded = _encode(
        name=7,
        context=context,
        parent=SpanContext(1, 1 << 64, False),
        kind=99,
        links=links,
        status="odd",
        resource=None,
    )
    row = encoded.row
    assert (row.name, row.trace_state, row.parent_span_id, row.parent_is_remote) == ("7", None, None, None)
    assert (row.kind, row.status_code) == (SpanKind.INTERNAL.value, 0)
    assert (encoded.links[0].linked_trace_id, encoded.links[0].linked_span_id) == ("0" * 32, "0" * 16)
    assert encoded.repaired == 7


def test_equal_resources_and_scopes_are_the_same_row_whatever_the_order_of_their_attributes() -> None:
    one = _encode(resource=Resource({"a": 1, "b": 2}), instrumentation_scope=InstrumentationScope("s", "1"))
    other = _encode(resource=Resource({"b": 2, "a": 1}), instrumentation_scope=InstrumentationScope("s", "1"))
    different = _encode(resource=Resource({"a": 1}), instrumentation_scope=InstrumentationScope("s", "2"))
    assert (one.resource, one.scope) == (other.resource, other.scope)
    assert one.resource.digest != different.resource.digest
    assert one.scope is not None
    assert different.scope is not None
    assert one.scope.digest != different.scope.digest
    assert _encode(instrumentation_scope=None).scope is None


def test_repairs_of_a_resource_count_once_an_encoder() -> None:
    encoder = SpanEncoder(())
    resource = Resource({"a": "\ud800"})
    span = ReadableSpan(name="span", context=_CONTEXT, resource=resource, start_time=1, end_time=2)
    assert [encoder.encode_span(span, _ARRIVAL).repaired for _ in range(2)] == [1, 0]


def test_caches_of_what_spans_share_are_bounded() -> None:
    encoder = SpanEncoder(())
    for number in range(2_000):
        resource = Resource({"number": number})
        span = ReadableSpan(
            name="span", context=_CONTEXT, resource=resource, attributes={f"k{number}": 1}, start_time=1, end_time=2
        )
        assert orjson.loads(encoder.encode_span(span, _ARRIVAL).resource.attributes) == {"number": number}
    assert max(len(encoder.origins._origins), len(encoder._plans)) <= 512


def test_quarantine_keeps_what_can_be_read_and_says_why() -> None:
    class Unreadable(ReadableSpan):
        @property
        def kind(self) -> SpanKind:
            raise RuntimeError("no kind")

    span = Unreadable(name="span", context=None, attributes={"a": 1}, events=[Event("e", {"b": 2}, 3)])
    row = quarantine_span(span, UnstorableSpanError("why"), _ARRIVAL)
    content = orjson.loads(row.content)
    assert row.reason == "UnstorableSpanError: why"
    assert content["attributes"] == {"a": 1}
    assert content["events/0"] == {"name": "'e'", "timestamp": "3", "attributes": {"b": 2}}
    assert content["kind"] == "unreadable: RuntimeError: raised in encode.quarantine._read"
    assert row == quarantine_span(span, UnstorableSpanError("why"), _ARRIVAL)


def test_quarantine_keeps_the_rows_that_sqlite_refused() -> None:
    row = quarantine_row(_encode(attributes={"a": 1}), ValueError("refused"), _ARRIVAL)
    content = orjson.loads(row.content)
    assert content["row"]["attributes"] == '{"a":1}'
    assert content["trace_id"] == "0" * 31 + "1"


def test_attributes_of_a_scope_keep_their_order_when_they_are_encoded_again() -> None:
    """They are sorted, so that the same scope is one row; a lone surrogate sorts elsewhere than what replaces it."""
    first = _encode(instrumentation_scope=InstrumentationScope("s", attributes={"\ud800": 2, "\uf9a7": 1})).scope
    assert first is not None
    held = orjson.loads(first.attributes)
    assert list(held) == ["\uf9a7", "\ufffd"]
    assert _encode(instrumentation_scope=InstrumentationScope("s", attributes=held)).scope == first
