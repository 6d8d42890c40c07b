# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_sqlite_exporter.encode.events import encode_events
from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.rows import EncodedLog
from otel_sqlite_exporter.sdk.log_exporter import read_log

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


@pytest.mark.parametrize(
    ("field", "attribute", "body", "shown", "recorded"),
    [
        ("job.start", "other", "other.name", "job.start", None),
        (None, "job.start", None, "job.start", ""),
        ("", "job.start", "a line", "job.start", ""),
        (" ", "job.start", None, "job.start", " "),
        ("event src/main.rs:12", "job.start", "a.line", "job.start", "event src/main.rs:12"),
        ("event C:\\code\\my app\\main.rs:12", None, "job.start", "job.start", "event C:\\code\\my app\\main.rs:12"),
        ("src/main.rs:12:5", "job.start", None, "job.start", "src/main.rs:12:5"),
        (None, None, "job.start", "job.start", ""),
        (None, "", "job.start", "job.start", ""),
        (None, 7, "job.start", "job.start", ""),
        (None, "api_request", "claude_code.api_request", "api_request", ""),
        ("event src/main.rs:12", None, "the job starts", "event src/main.rs:12", None),
        ("event src/main.rs:12", "event src/main.rs:12", None, "event src/main.rs:12", None),
        ("event 7:3 of a list", "job.start", None, "event 7:3 of a list", None),
        (None, None, "job", None, None),
        (None, None, "job started.", None, None),
        (None, None, "v1.2.3", None, None),
        (None, None, f"job.{'x' * 128}", None, None),
        (None, None, {"event": "job.start"}, None, None),
    ],
)
def test_a_name_comes_from_the_field_the_attribute_or_the_body(
    field: str | None, attribute: Any, body: Any, shown: str | None, recorded: str | None
) -> None:
    encoded = _encode(event_name=field, attributes={} if attribute is None else {"event.name": attribute}, body=body)
    assert (encoded.row.event_name, encoded.row.recorded_name, encoded.repaired) == (shown, recorded, 0)
    assert (encoded.stem, encoded.phase) == (("job", "start") if shown == "job.start" else (None, None))
    event = Event(field or "", {} if attribute is None else {"event.name": attribute}, 5)
    (row,) = encode_events([event], 1)[0]
    by_body = body if shown == body else None
    assert (row.name, row.recorded_name) == (
        (field or "", None) if by_body else (shown or "", recorded if shown else None)
    )


@pytest.mark.parametrize("field", [None, "", "event otel/src/events.rs:1187"])
@pytest.mark.parametrize(("attribute", "body"), [("codex.sse_event", None), ("sse_event", "codex.sse_event")])
def test_a_dialect_knows_a_record_by_any_of_its_names(field: Any, attribute: str, body: Any) -> None:
    usage = {"input_token_count": 900, "output_token_count": "50", "model": "m", "event.name": attribute}
    usage["event.kind"] = "response.completed"
    call = _encode(event_name=field, attributes=usage, body=body).interactions.llm
    assert call is not None
    assert (call.dialect, call.total_tokens) == ("codex", 950)


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
