# SPDX-License-Identifier: Apache-2.0
"""The compiled readers of OTLP give what the Python code gives: the same records, alterations and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from benchmarks.spans import trace_spans
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.signals import ResourceFields, SpanFields
from otel_sqlite_exporter.native.core_state import IN_USE
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.otlp.protobuf import TooManyMessagesError, parse_protobuf
from tests.conftest import CORE_STATE
from tests.native_spans import show_types
from tests.otlp_messages import (
    BODIES,
    BYTES,
    SIGNALS,
    as_protobuf,
    read_captured_messages,
    show_protobuf,
    show_records,
    without_compiled_readers,
    write_field,
)
from tests.unit.test_odd_values import MESSAGE, ODD, change, make_span, places

protobuf_records: Any = pytest.importorskip(
    "otel_sqlite_exporter.native.protobuf_records", reason="the compiled readers were not built"
)
json_records: Any = pytest.importorskip("otel_sqlite_exporter.native.json_records")
span_encoder: Any = pytest.importorskip("otel_sqlite_exporter.native.span_encoder")
pytestmark = pytest.mark.core

CAPTURED = list(read_captured_messages())
PLACES = places(MESSAGE)[1:]
IDS = write_field(1, BYTES, b"\x01" * 16) + write_field(2, BYTES, b"\x02" * 8)


def check_bytes(content: bytes, signal: str | None = None) -> None:
    with without_compiled_readers():
        expected = show_protobuf(content, signal)
    assert show_protobuf(content, signal) == expected


def check_json(message: Any) -> None:
    with without_compiled_readers():
        expected = show_records(message)
    assert show_records(message) == expected


@settings(max_examples=400)
@given(BODIES, SIGNALS)
def test_any_bytes(content: bytes, signal: str | None) -> None:
    check_bytes(content, signal)


def test_captured_messages_are_read_by_it() -> None:
    odd = records = 0
    for message in CAPTURED[::3]:
        if message.keys() <= {"resourceSpans"} or message.keys() <= {"resourceLogs"}:
            check_json(message)
            content = as_protobuf(message)
            check_bytes(content)
            found = protobuf_records.read_message(content, "resourceLogs" in message, 2**62)
            if found is not None:
                odd += len(found.odd)
                records += len(list(decode_message(message, Alterations())))
    assert odd < records / 100


@given(st.sampled_from(CAPTURED), st.data())
def test_captured_messages_with_other_bytes(message: Any, data: st.DataObject) -> None:
    if not (message.keys() <= {"resourceSpans"} or message.keys() <= {"resourceLogs"}):
        return
    content = as_protobuf(message)
    place = data.draw(st.integers(0, len(content)))
    other = data.draw(st.binary(max_size=4))
    check_bytes(content[:place] + other + content[place + data.draw(st.integers(0, 4)) :])


@given(st.sampled_from(PLACES), ODD)
def test_json_with_an_odd_value(place: tuple[Any, ...], odd: Any) -> None:
    check_json(change(place, odd))


@given(st.sampled_from(CAPTURED), ODD, st.data())
def test_captured_json_with_an_odd_value(message: Any, odd: Any, data: st.DataObject) -> None:
    message = json.loads(json.dumps(message))
    place = data.draw(st.sampled_from(places(message)[1:]))
    holder: Any = message
    for key in place[:-1]:
        holder = holder[key]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        holder["other"] = odd
    else:
        holder[place[-1]] = odd
    check_json(message)


def nest(levels: int, field: int) -> bytes:
    """A span with a value that is in so many lists or maps."""
    value = b""
    for _ in range(levels):
        inner = write_field(1, BYTES, value) if field == 5 else write_field(1, BYTES, write_field(2, BYTES, value))
        value = write_field(field, BYTES, inner)
    span = IDS + write_field(9, BYTES, write_field(1, BYTES, b"deep") + write_field(2, BYTES, value))
    return write_field(1, BYTES, write_field(2, BYTES, write_field(2, BYTES, span)))


@pytest.mark.parametrize("field", [5, 6])
@pytest.mark.parametrize("levels", [0, 1, 23, 24, 25, 26, 45, 46, 47, 48, 49, 50, 2_000])
def test_values_in_values(levels: int, field: int) -> None:
    for signal in ("traces", None):
        check_bytes(nest(levels, field), signal)


def test_json_in_json() -> None:
    value: Any = {"intValue": "1"}
    for _ in range(120):
        value = {"arrayValue": {"values": [value]}}
        attributes = [{"key": "deep", "value": value}]
        check_json({"resourceSpans": [{"scopeSpans": [{"spans": [{**make_span(1), "attributes": attributes}]}]}]})


def take_spans(number: int) -> list[Any]:
    spans = trace_spans()
    return [next(spans) for _ in range(number)]


@pytest.mark.skipif(CORE_STATE != IN_USE, reason="the core is not in use")
def test_resources_and_scopes_are_the_same_objects_in_each_message() -> None:
    """So they are encoded once, and not for each request."""
    kept: list[ResourceFields] = []
    for spans in (take_spans(1), take_spans(2)):
        message = parse_protobuf(encode_spans(spans).SerializeToString())
        kept += [record.resource for record in decode_message(message, Alterations())]  # type: ignore[union-attr]
    assert len(kept) == 3
    assert {id(one) for one in kept} == {id(kept[0])}


def test_a_text_of_a_resource_that_is_repaired_counts_in_each_message() -> None:
    attribute = write_field(1, BYTES, b"k") + write_field(2, BYTES, write_field(1, BYTES, b"\xff"))
    group = write_field(1, BYTES, write_field(1, BYTES, attribute))
    content = write_field(1, BYTES, group + write_field(2, BYTES, write_field(2, BYTES, IDS)))
    encoder = span_encoder.NativeSpanEncoder(SpanEncoder(DEFAULT_SESSION_ATTRIBUTES))
    for _ in range(2):
        (record,) = decode_message(parse_protobuf(content, "traces"), Alterations())
        assert encoder.encode_span(record, 5).repaired == 1


SMALL = 20_000


@pytest.mark.parametrize(
    "parts",
    [
        [write_field(11, BYTES, b"")] * SMALL,
        [write_field(13, BYTES, b"")] * SMALL,
        [write_field(9, BYTES, write_field(1, BYTES, b"%d" % number)) for number in range(SMALL)],
    ],
    ids=["events", "links", "attributes"],
)
def test_small_parts_take_no_more_memory_than_is_allowed(parts: list[bytes]) -> None:
    span = IDS + b"".join(parts)
    content = write_field(1, BYTES, write_field(2, BYTES, write_field(2, BYTES, span)))
    assert protobuf_records.read_message(content, False, 3_000_000) is None
    with pytest.raises(TooManyMessagesError):
        parse_protobuf(content, "traces", most_messages=7_500)
    message = parse_protobuf(content, "traces", most_messages=100_000)
    assert len(list(decode_message(message, Alterations()))) == 1


def test_texts_that_have_one_slot() -> None:
    """Keys are kept by length, first and last bytes."""
    keys = [f"12345678{number}12345678".encode() for number in range(10)] * 2
    for key in (*keys, "é".encode(), b"a", b"", b"x" * 64, b"x" * 65):
        attribute = write_field(1, BYTES, key)
        span = (
            write_field(1, BYTES, b"\x01" * 16) + write_field(2, BYTES, b"\x02" * 8) + write_field(9, BYTES, attribute)
        )
        check_bytes(write_field(1, BYTES, write_field(2, BYTES, write_field(2, BYTES, span))), "traces")


def test_spans_that_were_read_are_encoded_by_it() -> None:
    native = span_encoder.NativeSpanEncoder(SpanEncoder(DEFAULT_SESSION_ATTRIBUTES))
    python = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
    spans = 0
    for message in CAPTURED:
        for record in decode_message(message, Alterations()):
            if isinstance(record, SpanFields):
                spans += 1
                assert show_types(native.encode_span(record, 5)) == show_types(python.encode_span(record, 5))
    assert native.handed_over < spans / 50


def test_a_usual_body_is_read_whole() -> None:
    content = encode_spans(take_spans(20)).SerializeToString()
    assert protobuf_records.read_message(content, False, 2**62).odd == []
    message = json.loads(json.dumps(MESSAGE))
    for group in message["resourceSpans"]:
        for span in group["scopeSpans"][0]["spans"]:
            assert json_records.read_span(span, None, None) is not None
    for log in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        assert json_records.read_log(log, None, None) is not None
