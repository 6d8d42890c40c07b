# SPDX-License-Identifier: Apache-2.0
"""Events that were recorded without OpenTelemetry become the log records that it would have made of them."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.imports.event_records import (
    EventReader,
    EventRecord,
    identify_span,
    identify_trace,
)
from otel_sqlite_exporter.model.rows import EncodedLog
from otel_sqlite_exporter.model.signals import ScopeFields
from otel_sqlite_exporter.model.values import decode_attributes

TRACE, SPAN = "e6694b60924442b8a3f8da017df772bb", "1bd1b558f367374f"
PLAIN: dict[str, Any] = {
    "name": "llm.call.start",
    "timestamp": "2025-03-29T12:00:16.434848Z",
    "level": "WARNING",
    "agent_id": "guide",
    "trace_id": TRACE,
    "span_id": SPAN,
    "parent_span_id": None,
    "session_id": None,
    "schema_version": None,
    "attributes": {"llm.model": "m"},
}


def encode(**changes: Any) -> EncodedLog:
    agents = {"guide": {"gen_ai.agent.name": "The Guide"}}
    reader = EventReader(ScopeFields("tests"), zone=UTC, agents=agents)
    fields = reader.read(EventRecord(**(PLAIN | changes)))
    return LogEncoder(["session.id"]).encode_log(fields, 7)


def attributes(log: EncodedLog) -> dict[str, Any]:
    return decode_attributes(log.row.attributes, log.row.attribute_types)


def test_a_plain_event_is_the_same_record_with_nothing_added() -> None:
    log = encode()
    assert (log.trace_id, log.span_id, log.stem, log.phase) == (TRACE, SPAN, "llm.call", "start")
    assert (log.row.event_name, log.row.severity_number, log.row.severity_text) == ("llm.call.start", 13, "WARNING")
    assert (log.row.time_unix_nano, log.row.time_source) == (1_743_249_616_434_848_000, None)
    assert log.row.observed_time_unix_nano == log.row.time_unix_nano
    assert attributes(log) == {"llm.model": "m"}
    assert log.repaired == 0


def test_the_agent_is_the_service_and_its_description_comes_with_it() -> None:
    resource = encode().resource
    assert resource.service_name == "guide"
    assert decode_attributes(resource.attributes) == {
        "service.name": "guide",
        "gen_ai.agent.id": "guide",
        "gen_ai.agent.name": "The Guide",
    }
    assert encode(agent_id=None).resource.service_name == "unknown_service"
    assert encode(agent_id={"odd": 1}).resource.service_name == "{'odd': 1}"


def test_what_has_no_field_is_kept_as_an_attribute() -> None:
    log = encode(parent_span_id="p", schema_version="1.0", timestamp="yesterday", trace_id="run-1", span_id="s-1")
    assert attributes(log) == {
        "llm.model": "m",
        "original.parent_span_id": "p",
        "original.schema_version": "1.0",
        "original.timestamp": "yesterday",
        "original.trace_id": "run-1",
        "original.span_id": "s-1",
    }
    assert (log.row.time_unix_nano, log.row.time_source) == (7, "arrival")


def test_the_session_of_the_record_wins_over_that_of_its_attributes_which_is_kept() -> None:
    log = encode(session_id="a", attributes={"session.id": "b"})
    assert log.own_session is not None
    assert log.own_session.name == "a"
    assert attributes(log) == {"session.id": "a", "original.session.id": "b"}
    only = encode(attributes={"session.id": "b"})
    assert only.own_session is not None
    assert only.own_session.name == "b"


@pytest.mark.parametrize("recorded", [TRACE, TRACE.upper(), "e6694b60-9244-42b8-a3f8-da017df772bb"])
def test_an_opentelemetry_id_stays_what_it_is(recorded: str) -> None:
    number, kept = identify_trace(recorded)
    assert f"{number:032x}" == TRACE
    assert kept == (None if recorded == TRACE else recorded)


@given(st.text(min_size=1) | st.integers())
def test_any_other_id_stands_for_a_valid_one_always_the_same(recorded: Any) -> None:
    for identify, bits in ((identify_trace, 128), (identify_span, 64)):
        number, kept = identify(recorded)
        assert 0 < number < 2**bits
        assert identify(recorded) == (number, kept)
        assert kept == str(recorded) or f"{number:0{bits // 4}x}" == str(recorded)


@pytest.mark.parametrize("missing", [None, ""])
def test_no_id_is_none(missing: Any) -> None:
    assert identify_trace(missing) == identify_span(missing) == (0, None)


@given(st.fixed_dictionaries({name: st.none() | st.text() | st.integers() | st.floats() for name in PLAIN}))
def test_no_value_of_any_field_raises(values: dict[str, Any]) -> None:
    name = values["name"] if isinstance(values["name"], str) else None
    assert encode(**values | {"attributes": {}, "name": name}).resource.attributes
