# SPDX-License-Identifier: Apache-2.0
"""One odd value in a message costs itself: every other record, and every other field of its own, is as without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.signals import LogFields, SpanFields, SpanKind, StatusCode
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message

pytestmark = pytest.mark.core

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ATTRIBUTES = [
    {"key": "text", "value": {"stringValue": "x"}},
    {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"doubleValue": 0.5}]}}},
    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "raw", "value": {"bytesValue": "AAH/"}}]}}},
]


def make_span(number: int) -> dict[str, Any]:
    ids = {"traceId": TRACE, "spanId": f"{number:016x}", "traceState": "a=1", "flags": 257}
    return {
        **ids,
        "parentSpanId": "00f067aa0ba902b7",
        "name": f"span {number}",
        "kind": 3,
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000001000000000",
        "attributes": ATTRIBUTES,
        "droppedAttributesCount": 1,
        "events": [{"timeUnixNano": "1790000000500000000", "name": "e", "attributes": ATTRIBUTES}] * 2,
        "droppedEventsCount": 2,
        "links": [{**ids, "attributes": ATTRIBUTES}],
        "droppedLinksCount": 3,
        "status": {"code": 2, "message": "no"},
    }


def make_log(number: int) -> dict[str, Any]:
    return {
        "timeUnixNano": "1790000000000000000",
        "observedTimeUnixNano": "1790000000000000001",
        "severityNumber": 9,
        "severityText": "INFO",
        "eventName": f"log {number}",
        "body": {"kvlistValue": {"values": ATTRIBUTES}},
        "attributes": ATTRIBUTES,
        "droppedAttributesCount": 1,
        "flags": 1,
        "traceId": TRACE,
        "spanId": "00f067aa0ba902b7",
    }


ORIGIN = {"resource": {"attributes": ATTRIBUTES}, "schemaUrl": "https://schema.example/1"}
SCOPE = {"scope": {"name": "s", "version": "1", "attributes": ATTRIBUTES}, "schemaUrl": "https://schema.example/2"}
MESSAGE = {
    "resourceSpans": [
        {**ORIGIN, "scopeSpans": [{**SCOPE, "spans": [make_span(4 * group + number) for number in (1, 2)]}]}
        for group in (0, 1)
    ],
    "resourceLogs": [{**ORIGIN, "scopeLogs": [{**SCOPE, "logRecords": [make_log(1), make_log(2)]}]}],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 7, 2**63, 2**64 - 1, 2**200, 1.5, 1.79e18, float("nan"), float("inf")]),
    st.sampled_from(
        ["", "x", "***", "0" * 32, "0" * 16, TRACE[1:], TRACE.upper(), "S/kvNXezTaajzpKdDg5HNg==", "\ud800"]
    ),
    st.sampled_from(["NaN", "-1", "1e3", "1_0", " 7", "HIGH", "SERVER", "SPAN_KIND_SERVER", "9" * 5000]),
    st.sampled_from([[], {}, [1], [None], [[]], {"a": 1}, {"values": 1}, {"stringValue": 1}, {"key": 1}]),
)


def decode(message: Any) -> tuple[list[Any], list[str]]:
    alterations = Alterations()
    return list(decode_message(message, alterations)), [*alterations.take().elements()]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def change(place: tuple[Any, ...], odd: Any) -> Any:
    message = json.loads(json.dumps(MESSAGE))  # without parts that are the same object
    holder: Any = message
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = odd
    return message


def find_record(place: tuple[Any, ...]) -> int | None:
    """The position of the record in which a place is; None if it is none of one record alone."""
    if len(place) < 6 or place[4] not in ("spans", "logRecords"):
        return None
    return int(place[5]) + (4 if place[0] == "resourceLogs" else 2 * place[1])


SOUND, _ = decode(MESSAGE)
PLACES = [place for place in places(MESSAGE) if place]


@given(st.sampled_from(PLACES), ODD)
def test_an_odd_value_costs_itself(place: tuple[Any, ...], odd: Any) -> None:
    records, altered = decode(change(place, odd))
    own = find_record(place)
    if own is not None:
        assert len(records) == len(SOUND)
        assert [*records[:own], *records[own + 1 :]] == [*SOUND[:own], *SOUND[own + 1 :]]
        if isinstance(records[own], UnreadableRecord):
            assert altered == []
            assert len(place) == 6 or place[6] in ("traceId", "spanId")
        elif len(place) > 6:
            changed = {
                name
                for name, before, after in zip(SOUND[own]._fields, SOUND[own], records[own], strict=True)
                if before != after
            }
            assert len(changed) <= 2  # flags stand for the span and its parent
    elif "resource" in place or "scope" in place or place[-1] == "schemaUrl":
        assert len(records) == len(SOUND)
        for before, after in zip(SOUND, records, strict=True):
            assert {*after._fields[:-2]} == {*before._fields[:-2]}
            for name in before._fields:
                if name not in ("resource", "scope", "instrumentation_scope"):
                    assert getattr(after, name) == getattr(before, name)
    else:  # a list, or a whole group
        in_other_groups = [one for one in SOUND if one.resource.schema_url is None or not _is_in(one, place)]
        assert [one for one in records if one in in_other_groups] == in_other_groups
    spans, logs = SpanEncoder(()), LogEncoder(())
    for record in records:
        if isinstance(record, SpanFields):
            spans.encode_span(record, 5)
        elif isinstance(record, LogFields):
            logs.encode_log(record, 5)


def _is_in(record: Any, place: tuple[Any, ...]) -> bool:
    """Whether a record may be in the group of a place: the groups are told by their order."""
    at = next(number for number, one in enumerate(SOUND) if one is record)
    if place[0] == "resourceLogs":
        return at >= 4
    return at < 4 and (len(place) == 1 or at // 2 == place[1])


def message_of(**span: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [make_span(1) | span]}]}]}


@pytest.mark.row("Any other field that cannot be read in an import, such as an id, a time, a number or a list")
@pytest.mark.parametrize(
    ("field", "odd", "attribute", "result"),
    [
        ("name", 5, "name", "5"),
        ("kind", 9, "kind", SpanKind.INTERNAL),
        ("kind", [3], "kind", SpanKind.INTERNAL),
        ("kind", True, "kind", SpanKind.INTERNAL),
        ("status", "bad", "status", (StatusCode.UNSET, None)),
        ("status", {"code": "BAD", "message": 5}, "status", (StatusCode.UNSET, "5")),
        ("startTimeUnixNano", "soon", "start_time", None),
        ("endTimeUnixNano", -1, "end_time", None),
        ("endTimeUnixNano", 2**63, "end_time", None),
        ("parentSpanId", "abc", "parent", None),
        ("droppedLinksCount", "many", "dropped_links", 0),
        ("events", {}, "events", []),
        ("links", 5, "links", []),
        ("attributes", 5, "attributes", {}),
        ("attributes", {"a": {"stringValue": "x"}, "b": "y"}, "attributes", {"a": "x", "b": "y"}),
        ("attributes", [5], "attributes", {}),
        ("attributes", [{"key": 5, "value": {"intValue": 1}}], "attributes", {"5": 1}),
    ],
)
def test_what_is_altered_is_said_without_the_value(field: str, odd: Any, attribute: str, result: Any) -> None:
    (span,), altered = decode(message_of(**{field: odd}))
    assert getattr(span, attribute) == result
    assert altered
    assert not any(str(word) in sentence for sentence in altered for word in ("soon", "many", "abc", "bad", "BAD"))


def test_names_of_older_versions_and_of_the_proto_file_are_read() -> None:
    span = {"trace_id": TRACE, "span_id": "00f067aa0ba902b7", "start_time_unix_nano": 5, "name": "a"}
    old = {"instrumentationLibrary": {"name": "lib"}, "spans": [span | {"status": {"deprecatedCode": 2}}]}
    new = {"instrumentation_library": {"name": "lib"}, "spans": [span | {"status": {"status_code": "STATUS_CODE_OK"}}]}
    log = {"time_unix_nano": 5, "name": "event", "body": {"string_value": "x"}}
    records, altered = decode(
        {
            "resource_spans": [{"instrumentationLibrarySpans": [old], "scope_spans": [new]}],
            "resource_logs": [{"instrumentation_library_logs": [{"logs": [log]}]}],
        }
    )
    assert altered == []
    assert [record.instrumentation_scope.name for record in records[:2]] == ["lib", "lib"]
    assert [record.status.status_code for record in records[:2]] == [StatusCode.ERROR, StatusCode.OK]
    assert (records[2].event_name, records[2].body, records[2].timestamp) == ("event", "x", 5)


def test_a_key_that_is_not_known_is_said_if_it_holds_something() -> None:
    alterations = Alterations()
    assert list(decode_message(message_of(new=1, empty=[], other=None), alterations))
    assert (alterations.take().total(), alterations.take_unknown()) == (0, {"new of a span"})


def test_many_odd_values_take_no_more_memory_than_one() -> None:
    alterations = Alterations()
    attributes = [0] * 10_000
    list(decode_message({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": attributes}]}]}]}, alterations))
    ((_, number),) = alterations.take().items()
    assert number == 10_000
