# SPDX-License-Identifier: Apache-2.0
"""What is read of OTLP's JSON, in the form of the specification and in that of protobuf's own mapping."""

from __future__ import annotations

import base64
import math
from typing import Any

import pytest

from otel_sqlite_exporter.model.signals import ContextFields, LogFields, SpanFields, SpanKind, StatusCode
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message, find_signals
from otel_sqlite_exporter.otlp.otlp_values import decode_any_value, decode_id, decode_integer

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def spans_message(*spans: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": list(spans)}]}]}


def decode(message: dict[str, Any]) -> tuple[list[Any], list[str], set[str]]:
    """The records of a message, what was altered in them, and the keys that are unknown."""
    alterations = Alterations()
    return list(decode_message(message, alterations)), [*alterations.take().elements()], alterations.take_unknown()


def decode_span(**fields: Any) -> SpanFields:
    (span,), altered, unknown = decode(spans_message({"traceId": TRACE_ID, "spanId": SPAN_ID, **fields}))
    assert isinstance(span, SpanFields)
    assert (altered, unknown) == ([], set())
    return span


def read_value(value: Any) -> Any:
    return decode_any_value(value, lambda _: None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": ""}, ""),
        ({"boolValue": False}, False),
        ({"intValue": "-9223372036854775808"}, -(2**63)),
        ({"intValue": 7}, 7),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "Infinity"}, math.inf),
        ({"bytesValue": "AP8="}, b"\x00\xff"),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [{"intValue": "1"}, {}, {"stringValue": "x"}]}}, [1, None, "x"]),
        (
            {"kvlistValue": {"values": [{"key": "a", "value": {"doubleValue": 2.5}}, {"key": "b"}]}},
            {"a": 2.5, "b": None},
        ),
        ({}, None),
        (None, None),
        ({"newKindOfValue": 1}, None),
    ],
)
def test_a_value_has_its_type(value: Any, expected: Any) -> None:
    decoded = read_value(value)
    assert (type(decoded), decoded) == (type(expected), expected)


def test_not_a_number_is_one_in_python() -> None:
    assert math.isnan(read_value({"doubleValue": "NaN"}))


@pytest.mark.parametrize("value", [{"stringValue": 1}, {"boolValue": 0}, {"intValue": "x"}, {"intValue": 1.5}, "text"])
def test_what_is_no_value_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        read_value(value)


def test_ids_are_hexadecimal_or_base64() -> None:
    raw = bytes.fromhex(TRACE_ID)
    assert decode_id(TRACE_ID.upper(), 16) == decode_id(base64.b64encode(raw).decode(), 16) == int(TRACE_ID, 16)
    assert decode_id("", 8) == decode_id(None, 8) == 0
    for bad in (SPAN_ID[:-1], "zz" * 8, 5, "AAAA"):
        with pytest.raises(ValueError, match=r"id|hexadecimal|base64|length|padding"):
            decode_id(bad, 8)


def test_numbers_come_as_numbers_or_digits_and_time_zero_is_none() -> None:
    assert decode_integer("12") == decode_integer(12) == decode_integer(12.0) == 12
    for zero in ("0", 0, None):
        assert decode_span(startTimeUnixNano=zero).start_time is None


@pytest.mark.parametrize("kind", SpanKind)
def test_kinds_are_numbers_or_names(kind: SpanKind) -> None:
    assert decode_span(kind=kind.value + 1).kind is decode_span(kind=f"SPAN_KIND_{kind.name}").kind is kind


def test_what_is_missing_has_its_default() -> None:
    span = decode_span()
    assert (span.name, span.kind, span.start_time, span.parent) == ("", SpanKind.INTERNAL, None, None)
    assert span.status == (StatusCode.UNSET, None)
    assert (span.attributes, span.events, span.links, span.dropped_links) == ({}, [], [], 0)
    assert decode_span(status={"code": "STATUS_CODE_ERROR"}).status.status_code is StatusCode.ERROR


def test_flags_say_whether_the_parent_is_remote_and_what_was_sampled() -> None:
    span = decode_span(parentSpanId=SPAN_ID, flags=0x301, traceState="a=1, b=2")
    assert span.parent == ContextFields(int(TRACE_ID, 16), int(SPAN_ID, 16), True, 0, None)
    assert span.context is not None
    assert (span.context.trace_flags, span.context.is_remote) == (1, False)
    assert span.context.trace_state is not None
    assert span.context.trace_state == {"a": "1", "b": "2"}
    assert span.context.trace_state.to_header() == "a=1, b=2"
    local = decode_span(parentSpanId=SPAN_ID, flags=0x100)
    assert local.parent is not None
    assert not local.parent.is_remote


def test_a_record_that_cannot_be_read_costs_itself() -> None:
    good = {"traceId": TRACE_ID, "spanId": SPAN_ID}
    bad = [{"traceId": TRACE_ID}, "text", good | {"spanId": "0" * 16}, good | {"traceId": TRACE_ID[1:]}]
    decoded, altered, _ = decode(spans_message(*bad, good))
    assert [type(one) for one in decoded] == [UnreadableRecord] * 4 + [SpanFields]
    assert [one.content for one in decoded[:4]] == bad
    assert altered == []


@pytest.mark.parametrize(
    "message",
    [
        {"resourceSpans": 1},
        {"resourceSpans": [1]},
        {"resourceSpans": [{"resource": 1, "scopeSpans": []}]},
        {"resourceSpans": [{"scopeSpans": [1]}]},
        {"resourceLogs": [{"scopeLogs": [{"scope": 1, "logRecords": []}]}]},
    ],
)
def test_a_message_of_another_shape_holds_nothing(message: dict[str, Any]) -> None:
    records, altered, _ = decode(message)
    assert [one for one in records if not isinstance(one, UnreadableRecord)] == []
    assert len(records) + len(altered) == 1  # it is said


@pytest.mark.parametrize(("severity", "number"), [(9, 9), ("9", 9), ("SEVERITY_NUMBER_WARN2", 14), (None, None)])
def test_severities_are_numbers_or_names(severity: Any, number: int | None) -> None:
    log = {"severityNumber": severity, "eventName": "named"}
    (fields,), _, _ = decode({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]})
    assert isinstance(fields, LogFields)
    assert (fields.severity_number, fields.event_name, fields.trace_flags, fields.scope) == (
        number,
        "named",
        None,
        None,
    )


def test_signals_are_told_by_their_field() -> None:
    assert find_signals({"resourceSpans": [], "resourceMetrics": []}) == {"traces", "metrics"}
    assert find_signals({"resourceLogs": []}) == {"logs"}
    assert find_signals([]) == find_signals({"spans": []}) == set()
