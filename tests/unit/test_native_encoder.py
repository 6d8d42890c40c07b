# SPDX-License-Identifier: Apache-2.0
"""The compiled encoder gives what the Python encoder gives: the same values of the same types, or the same error."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, Status, StatusCode

from benchmarks.spans import trace_spans
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS
from tests import strategies
from tests.native_spans import RESOURCES, find_tracked, read_captured_spans, show_types, spans

span_encoder = pytest.importorskip(
    "otel_sqlite_exporter.native.span_encoder", reason="the compiled encoder was not built"
)
pytestmark = pytest.mark.core
ARRIVAL = 1_795_000_000_000_000_000


def make_encoders() -> tuple[Any, SpanEncoder]:
    python = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
    return span_encoder.NativeSpanEncoder(SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)), python


ENCODERS = make_encoders()


def encode(encoder: Any, span: Any, *, is_open: bool) -> Any:
    try:
        return show_types(encoder.encode_span(span, ARRIVAL, is_open=is_open))
    except Exception as error:
        return type(error), str(error)


def check(span: Any, encoders: tuple[Any, Any] = ENCODERS) -> None:
    for is_open in (False, True):
        native, python = (encode(encoder, span, is_open=is_open) for encoder in encoders)
        assert native == python


def span_of(attributes: dict[str, Any], **fields: Any) -> ReadableSpan:
    span = next(trace_spans(2))
    span._attributes = attributes
    for name, value in fields.items():
        setattr(span, f"_{name}", value)
    return span


@given(spans())
def test_any_span(span: ReadableSpan) -> None:
    check(span)


CAPTURED = list(read_captured_spans())


def test_all_captured_spans_and_nearly_all_are_encoded_by_it() -> None:
    encoders = make_encoders()
    for span in CAPTURED:
        check(span, encoders)
    assert encoders[0].handed_over < len(CAPTURED) / 50


@given(st.sampled_from(CAPTURED), st.data())
def test_captured_spans_with_one_other_value(span: ReadableSpan, data: st.DataObject) -> None:
    attributes = dict(span.attributes or {})
    if not attributes:
        return
    key = data.draw(st.sampled_from(sorted(attributes)))
    value = attributes[key]
    if isinstance(value, str) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        piece = data.draw(
            st.sampled_from(["", '"', "\\", "{", "]", ",", " ", "é", "\ud83d", "\\ud83d", "\\u00e9", "1e5", "\0"])
        )
        attributes[key] = value[:place] + piece + value[place + data.draw(st.integers(0, 2)) :]
    else:
        attributes[key] = data.draw(strategies.values)
    check(span_of(attributes))


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(),
            st.integers(-(2**63), 2**63 - 1),
            st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text())),
        ),
    )
)
def test_the_text_is_that_of_orjson(attributes: dict[str, Any]) -> None:
    text = ENCODERS[0].encode_span(span_of(attributes), ARRIVAL).row.attributes
    assert text == orjson.dumps(attributes).decode()
    assert text.isascii() == (text.encode("ascii", "replace").decode() == text)


def test_every_character_and_every_power_of_ten() -> None:
    texts = {f"{start}": "".join(map(chr, range(start, start + 64))) for start in (*range(0, 0xD800, 4096), 0x1F600)}
    texts |= {f"at {place}": "a" * place + '"\n\x01' + "b" * 40 for place in range(40)}
    numbers = {
        f"{sign}{digits}e{power}": float(f"{sign}{digits}e{power}")
        for sign in ("", "-")
        for digits in ("1", "1.5", "9007199254740993")
        for power in range(-40, 40)
    }
    for attributes in (texts, numbers, {key: [value] for key, value in numbers.items()}):
        items = iter(attributes.items())
        while some := dict(itertools.islice(items, 100)):
            assert ENCODERS[0].encode_span(span_of(some), ARRIVAL).row.attributes == orjson.dumps(some).decode()


@pytest.mark.parametrize(
    "extreme",
    [-0.0, 5e-324, math.inf, -math.inf, math.nan, 2**63 - 1, -(2**63), 2**63, 2**64, b"x", {"a": 1}, [[1]], "\ud800"],
)
def test_extreme_values(extreme: Any) -> None:
    for value in (extreme, [extreme], (extreme, 1)):
        check(span_of({"a": value, "session.id": "s"}))
        check(span_of({"a": 1}, events=[type(next(trace_spans(2)).events[0])("e", {"a": value}, 5)]))


def test_a_huge_text_and_many_attributes() -> None:
    check(span_of({"a": "x" * 3_000_000}))
    check(span_of({"a": '"' * 1_500_000}))
    for count in (127, 128, 129, 500):
        check(span_of({f"a{number}": number for number in range(count)}))


def test_calls_of_the_conventions_are_read_without_the_python_code(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make_encoders()[0]
    for name in ("find_interactions", "encode_events", "encode_attributes", "find_naming"):
        monkeypatch.setattr(span_encoder, name, lambda *_: pytest.fail("the Python code was asked"))
    for span in itertools.islice(trace_spans(), 20):
        found = encoder.encode_span(span, ARRIVAL)
        assert found.interactions.llm is not None
        assert found.events
    assert encoder.handed_over == 0


class Shown(ReadableSpan):
    """A span whose property gives something else than its field."""

    @property
    def name(self) -> str:
        return "shown"


class Masked(ReadableSpan):
    """A span whose property hides some values only."""

    @property
    def attributes(self) -> dict[str, Any]:
        return {key: "***" if key == "secret" else value for key, value in (self._attributes or {}).items()}


class MaskedAttributes(BoundedAttributes):
    """Attributes that hide some values only."""

    def copy(self) -> dict[str, Any]:
        return {key: "***" if key == "secret" else value for key, value in self._dict.items()}


class FewEvents(BoundedList[Any]):
    """Events, but for some."""

    def __iter__(self) -> Iterator[Any]:
        return (event for event in super().__iter__() if getattr(event, "name", "") != "secret")


class MaskedEvent(Event):
    @property
    def name(self) -> str:
        return "***" if self._name == "secret" else self._name


class MaskedStatus(Status):
    @property
    def description(self) -> str | None:
        return "***" if isinstance(self._description, str) else self._description


class MaskedContext(SpanContext):
    @property
    def trace_id(self) -> int:
        return 7 if isinstance(self[0], int) else self[0]


def test_a_class_whose_properties_give_something_else_goes_to_the_python_encoder() -> None:
    encoders = make_encoders()
    span = next(trace_spans(2))
    span.__class__ = Shown
    check(span, encoders)
    assert encoders[0].handed_over == 2
    for odd in (None, 5, object(), [], span.attributes):
        check(odd, encoders)


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": MaskedAttributes(None, {"secret": "s"})},
        {"events": FewEvents.from_seq(9, [Event("e"), Event("secret")])},
        {"events": (MaskedEvent("secret"),)},
        {"status": MaskedStatus(StatusCode.ERROR, "secret")},
        {"context": MaskedContext(9, 8, False)},
    ],
)
def test_a_class_that_hides_some_values_goes_to_the_python_encoder(fields: dict[str, Any]) -> None:
    check(span_of(fields.pop("attributes", {}), **fields))
    span = span_of({"secret": "s"})
    span.__class__ = Masked
    check(span)


def test_more_shapes_scopes_and_event_names_than_are_kept() -> None:
    encoders = make_encoders()
    for number in range(1_200):
        span = span_of({f"key {number % 700}": number, "gen_ai.operation.name": f"do {number}", "session.id": "s"})
        span._events = (type(span.events[0])(f"event {number}.start", {"a": 1}, 5),)
        check(span, encoders)


def test_encoded_spans_cost_the_garbage_collector_nothing() -> None:
    encoders = make_encoders()
    for span in [*itertools.islice(trace_spans(), 10), *CAPTURED]:
        before = encoders[0].handed_over
        native, python = (encoder.encode_span(span, ARRIVAL) for encoder in encoders)
        shared = {id(native.resource), id(native.scope), id(NO_INTERACTIONS)}
        if encoders[0].handed_over == before:
            assert [one for one in find_tracked(native) if id(one) not in shared] == []
        assert find_tracked(python)


def test_a_span_that_another_thread_changes() -> None:
    encoder = make_encoders()[0]
    span = TracerProvider(resource=RESOURCES[0]).get_tracer("t").start_span("busy", attributes={"list": [1, 2]})
    is_done = threading.Event()

    def change() -> None:
        for number in itertools.count():
            if is_done.is_set():
                return
            span.set_attribute(f"key {number % 50}", ["x" * (number % 100)] * (number % 7))
            if number % 10 == 0:
                span.add_event(f"event {number % 50}", {"n": number})

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2_000):
            encoded = encoder.encode_span(span, ARRIVAL, is_open=True)
            assert set(json.loads(encoded.row.attributes)) <= {"list", *(f"key {number}" for number in range(50))}
    finally:
        is_done.set()
        thread.join()


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 12), st.integers(2**30 - 1, 2**63)), min_size=6, max_size=6),
    st.sampled_from(["openai", "aws.bedrock", "gcp.gemini", "anthropic"]),
    st.sampled_from(["chat", "embeddings"]),
)
def test_numbers_of_tokens(numbers: list[int | None], provider: str, operation: str) -> None:
    names = ("input_tokens", "output_tokens", "total_tokens", "cache_read.input_tokens", "cache_creation.input_tokens")
    usage = {f"gen_ai.usage.{name}": number for name, number in zip(names, numbers[:5], strict=True)}
    usage["gen_ai.usage.reasoning.output_tokens"] = numbers[5]
    known = {name: number for name, number in usage.items() if number is not None}
    check(span_of({"gen_ai.operation.name": operation, "gen_ai.provider.name": provider, **known}))
