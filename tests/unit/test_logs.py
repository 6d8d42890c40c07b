# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.model.rows import EncodedLog
from otel_sqlite_exporter.sdk.log_exporter import read_log
from otel_sqlite_exporter.settings import DEFAULT_SESSION_ATTRIBUTES

_ARRIVAL = 1_000


def _encode(resource: Any = None, **fields: Any) -> EncodedLog:
    """Encode a record as the SDK would hand it over, whatever its fields are."""
    log = LogRecord()
    for name, value in fields.items():
        setattr(log, name, value)
    record = ReadableLogRecord(log, resource or Resource({}), InstrumentationScope("tests"))
    return LogEncoder(DEFAULT_SESSION_ATTRIBUTES).encode_log(read_log(record, None), _ARRIVAL)


@pytest.mark.parametrize(
    ("fields", "times"),
    [
        ({"timestamp": 5, "observed_timestamp": 7}, (5, 7, None, 0)),
        ({"timestamp": 5, "observed_timestamp": None}, (5, _ARRIVAL, None, 0)),
        ({"timestamp": 0, "observed_timestamp": 7}, (7, 7, "observed", 0)),
        ({"timestamp": -1, "observed_timestamp": 7}, (7, 7, "observed", 1)),
        ({"timestamp": None, "observed_timestamp": 0}, (_ARRIVAL, _ARRIVAL, "arrival", 0)),
        ({"timestamp": "soon", "observed_timestamp": 2**63}, (_ARRIVAL, _ARRIVAL, "arrival", 2)),
    ],
)
def test_a_time_is_taken_from_the_next_source_and_says_so(
    fields: dict[str, Any], times: tuple[int, int, str | None, int]
) -> None:
    encoded = _encode(**fields)
    row = encoded.row
    assert (row.time_unix_nano, row.observed_time_unix_nano, row.time_source, encoded.repaired) == times


@pytest.mark.parametrize(
    ("trace_id", "span_id", "ids"),
    [
        (1, 255, ("0" * 31 + "1", "0" * 14 + "ff", 0)),
        (0, 0, ("", None, 0)),
        (None, None, ("", None, 0)),
        (1 << 128, -2, ("", None, 2)),
        ("odd", 2, ("", "0" * 15 + "2", 1)),
    ],
)
def test_ids_are_hexadecimal_or_missing(trace_id: Any, span_id: Any, ids: tuple[str, str | None, int]) -> None:
    encoded = _encode(trace_id=trace_id, span_id=span_id)
    assert (encoded.trace_id, encoded.span_id, encoded.repaired) == ids


@pytest.mark.parametrize(
    ("severity", "number", "repaired"),
    [(SeverityNumber.WARN, 13, 0), (13, 13, 0), (None, None, 0), (25, None, 1), ("WARN", None, 1)],
)
def test_a_severity_is_a_number_of_the_specification_or_missing(severity: Any, number: Any, repaired: int) -> None:
    encoded = _encode(severity_number=severity)
    assert (encoded.row.severity_number, encoded.repaired) == (number, repaired)


@pytest.mark.parametrize(
    ("name", "phase", "stem"),
    [
        ("job.start", "start", "job"),
        ("job.end", "finish", "job"),
        ("job", None, None),
        (None, None, None),
        ("", None, None),
    ],
)
def test_an_event_name_says_phase_and_stem(name: str | None, phase: str | None, stem: str | None) -> None:
    encoded = _encode(event_name=name)
    assert (encoded.row.event_name, encoded.phase, encoded.stem) == (name or None, phase, stem)


def test_a_record_names_its_session_itself_or_bids_with_its_resource() -> None:
    named = _encode(attributes={"session.id": "a", "user.id": "ada"}, trace_id=1)
    assert (named.own_session and named.own_session.name, named.user and named.user.name) == ("a", "ada")
    of_resource = Resource({"session.id": "r"})
    in_trace, alone = _encode(of_resource, trace_id=1), _encode(of_resource, trace_id=0)
    assert (in_trace.own_session, in_trace.session and in_trace.session.name) == (None, "r")
    assert alone.own_session == alone.session
    assert (in_trace.row.names_session, alone.row.names_session) == (0, 1)


def test_a_body_keeps_the_types_that_json_has_not() -> None:
    row = _encode(body={"raw": b"\x00", "n": 1}).row
    assert (row.body, row.body_type) == ('{"raw":"AA==","n":1}', '{"/raw":"bytes"}')
    assert (_encode(body=None).row.body, _encode(body="").row.body) == (None, '""')


def test_the_log_data_of_older_sdks_is_read_too() -> None:
    """There the record holds its resource, and the name of an event is an attribute."""
    log = SimpleNamespace(
        timestamp=5,
        observed_timestamp=7,
        trace_id=1,
        span_id=2,
        trace_flags=1,
        severity_text="WARN",
        severity_number=SeverityNumber.WARN,
        body="text",
        attributes={"event.name": "job.start"},
        resource=Resource({"service.name": "old"}),
        dropped_attributes=3,
    )
    old = SimpleNamespace(log_record=log, instrumentation_scope=InstrumentationScope("scope"))
    encoded = LogEncoder(DEFAULT_SESSION_ATTRIBUTES).encode_log(read_log(old, None), _ARRIVAL)
    assert (encoded.row.event_name, encoded.phase, encoded.row.dropped_attributes) == ("job.start", "start", 3)
    assert (encoded.resource.service_name, encoded.scope and encoded.scope.name) == ("old", "scope")
    assert encoded.repaired == 0


def test_what_is_neither_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        read_log("no record", None)
