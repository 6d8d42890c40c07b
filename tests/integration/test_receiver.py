# SPDX-License-Identifier: Apache-2.0
"""What a receiver does with each request: without HTTP or gRPC."""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_sqlite_exporter.deliver.spool import spool_path
from otel_sqlite_exporter.receive.request_decoder import RequestDecoder
from otel_sqlite_exporter.receive.requests import (
    INVALID_IDS,
    REASONS,
    UNENCODED,
    UNREADABLE,
    UNREADABLE_HOLDER,
    BadRequestError,
    BusyError,
    ExportAnswer,
    ReceivedRequest,
)
from otel_sqlite_exporter.write.metric_writing.points_batch import BEYOND_LIMIT
from tests.conftest import read, span_names
from tests.received import (
    NOON_NS,
    ask_for_logs,
    ask_for_spans,
    locked,
    log_texts,
    make_log,
    make_message,
    make_request,
    make_span,
    receiving,
    source,
)

DONE = ExportAnswer()


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_a_message_is_received_as_protobuf_and_as_json(path: Path, signal: str) -> None:
    data = TracesData() if signal == "traces" else LogsData()
    group = data.resource_spans.add() if isinstance(data, TracesData) else data.resource_logs.add()
    attribute = group.resource.attributes.add(key="service.name")
    attribute.value.string_value = "shop"
    if isinstance(data, TracesData):
        data.resource_spans[0].scope_spans.add().spans.add(
            trace_id=b"\1" * 16, span_id=b"\2" * 8, name="span", start_time_unix_nano=NOON_NS
        )
    else:
        # A record without anything that tells it from a span.
        data.resource_logs[0].scope_logs.add().log_records.add(severity_text="low")
    body = data.SerializeToString()
    with receiving(path) as receiver:
        assert receiver.submit(ReceivedRequest(signal, body, False, "go", "::1", 5)).result() == DONE
        message = make_message(signal, make_span(9) if signal == "traces" else make_log("text"))
        assert receiver.submit(make_request(signal, message)).result() == DONE
    assert read(path, "SELECT count(*) FROM spans" if signal == "traces" else "SELECT count(*) FROM logs") == [(2,)]
    assert source(path, "sender, service_name, signal, stored", "sender = 'go'") == [("go", "shop", signal, 1)]
    assert read(path, "SELECT signal, received, written FROM exporter_health") == [("receive", 2, 2)]


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_an_empty_message_has_an_empty_answer(path: Path, signal: str) -> None:
    with receiving(path) as receiver:
        for body, is_json in ((b"{}", True), (b"", False), (b'{"unknown": 1}', True)):
            assert receiver.submit(ReceivedRequest(signal, body, is_json, "curl", "::1", 0)).result() == DONE
    assert not path.exists()


BAD = {
    "no JSON": ("traces", b"{", True),
    "no object": ("traces", b"[1]", True),
    "no list": ("logs", b'{"resourceLogs": {}}', True),
    "no protobuf": ("traces", b"\xff\xff", False),
    "too deep": ("traces", b"[" * 100_000, True),
    "another signal": ("logs", json.dumps(make_message("traces", make_span(1))).encode(), True),
}


@pytest.mark.parametrize("name", BAD)
def test_a_body_that_is_no_message_is_refused(path: Path, name: str) -> None:
    signal, body, is_json = BAD[name]
    with receiving(path) as receiver:
        bad = receiver.submit(ReceivedRequest(signal, body, is_json, "curl", "::1", 0))
        good = receiver.submit(ask_for_logs("good"))
        with pytest.raises(BadRequestError, match=r"^the body is (no|a message of) ") as raised:
            bad.result()
        assert str(path) not in str(raised.value)
        assert good.result() == DONE


def _wrap(field: int, content: bytes) -> bytes:
    """A field of a message in protobuf."""
    size, digits = len(content), b""
    while size > 0x7F:
        digits, size = digits + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([field << 3 | 2]) + digits + bytes([size]) + content


FLOODS = {
    "groups": (b"\x0a\0" * 300_000, False),
    "scopes": (_wrap(1, b"\x12\0" * 300_000), False),
    "records": (_wrap(1, _wrap(2, b"\x0d1234" + b"\x12\x02\x08\1" * 300_000)), False),
    "attributes": (_wrap(1, _wrap(2, _wrap(2, b"\x32\0" * 2_000_001))), False),
    "items": (_wrap(1, _wrap(2, _wrap(1, b"\x1a\0")) + _wrap(1, _wrap(3, b"\x1a\0" * 2_000_001))), False),
    "values": (b'{"resourceLogs": [{"resource": {"attributes": [%s0]}}]}' % (b"0," * 2_000_000), True),
    "fields": (b"\x18\0" * 2_000_001, False),
    "fields of a scope": (_wrap(1, _wrap(2, b"\x20\0" * 2_000_001)), False),
    "objects": (b'{"resourceLogs": [%s{}]}' % (b"{}," * 2_000_001), True),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name[:6] in ("attrib", "fields") else ()) for name in FLOODS]
)
def test_a_body_of_too_many_records_is_refused_before_it_is_parsed(path: Path, name: str) -> None:
    body, is_json = FLOODS[name]
    with receiving(path) as receiver, pytest.raises(BadRequestError, match="send smaller batches"):
        receiver.submit(ReceivedRequest("logs", body, is_json, "curl", "::1", 0)).result()
    assert not path.exists()


def test_a_refused_request_is_not_kept_for_the_garbage_collector(path: Path) -> None:
    gc.disable()
    try:
        with receiving(path) as receiver:
            for name, (signal, given, is_json) in BAD.items():
                body = bytes(bytearray(given))
                before = sys.getrefcount(body)
                answer = receiver.submit(ReceivedRequest(signal, body, is_json, "curl", "::1", 0))
                assert isinstance(answer.exception(), BadRequestError)
                del answer
                assert receiver.submit(ask_for_logs(name)).result() == DONE
                assert sys.getrefcount(body) == before
    finally:
        gc.enable()


def test_a_text_of_many_commas_is_taken(path: Path) -> None:
    with receiving(path) as receiver:
        assert receiver.submit(ask_for_logs("," * 2_000_001)).result() == DONE


def test_a_request_of_many_records_is_taken_whole(path: Path) -> None:
    """It is large enough to be looked at."""
    data = LogsData()
    records = data.resource_logs.add().scope_logs.add().log_records
    for number in range(300):
        records.add().body.string_value = f"{number}".ljust(2_000)
    with receiving(path) as receiver:
        request = ReceivedRequest("logs", data.SerializeToString(), False, "curl", "::1", 0)
        assert receiver.submit(request).result() == DONE
    assert [text.rstrip() for text in log_texts(path)] == [*map(str, range(300))]


def test_names_with_a_nul_cost_nothing(path: Path) -> None:
    """SQLite's functions for JSON end a text there."""
    attributes = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
    message = make_message("traces", make_span(1, attributes=attributes), make_span(2), service="a\0b")
    message["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": "a\0b"}
    with receiving(path) as receiver:
        assert receiver.submit(make_request("traces", message, sender="a\0b")).result() == DONE
    assert span_names(path) == ["span 1", "span 2"]
    assert source(path, "sender, stored, rejected") == [("a\ufffdb", 2, 0)]


def test_a_bad_record_costs_itself(path: Path) -> None:
    spans = [make_span(1), {"name": "without ids"}, "no object", make_span(2, traceId="0" * 32)]
    with receiving(path) as receiver:
        answer = receiver.submit(make_request("traces", make_message("traces", *spans))).result()
        assert receiver.submit(make_request("logs", make_message("logs", 5, make_log("good")))).result()[0] == 1
    assert answer == ExportAnswer(3, f"{INVALID_IDS}; {UNREADABLE}")
    assert span_names(path) == ["span 1"]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(4,)]
    assert source(path, "signal, received, stored, rejected, rejected_reasons") == [
        ("logs", 2, 1, 1, json.dumps({UNREADABLE: 1}, separators=(",", ":"))),
        ("traces", 4, 1, 3, json.dumps({INVALID_IDS: 2, UNREADABLE: 1}, separators=(",", ":"))),
    ]
    assert read(path, "SELECT received, written, quarantined FROM exporter_health") == [(6, 2, 4)]


def test_reasons_add_up(path: Path) -> None:
    with receiving(path) as receiver:
        for number in range(3):
            receiver.submit(make_request("traces", make_message("traces", {"name": number}))).result()
    assert source(path, "rejected_reasons") == [(json.dumps({INVALID_IDS: 3}, separators=(",", ":")),)]
    assert {UNREADABLE, UNREADABLE_HOLDER, INVALID_IDS, UNENCODED, BEYOND_LIMIT} < set(REASONS)
    with receiving(path) as receiver:
        holders = {"resourceSpans": [5, {"scopeSpans": ["none"]}]}
        assert receiver.submit(make_request("traces", holders)).result() == ExportAnswer(2, UNREADABLE_HOLDER)


def test_old_and_future_times_are_taken(path: Path) -> None:
    times = {"start 1970": "1", "start 2262": str(2**63 - 1)}
    spans = [make_span(n, startTimeUnixNano=time, endTimeUnixNano=time) for n, time in enumerate(times.values(), 1)]
    with receiving(path) as receiver:
        assert receiver.submit(make_request("traces", make_message("traces", *spans))).result() == DONE
    found = [str(start) for (start,) in read(path, "SELECT start_time_unix_nano FROM spans ORDER BY 1")]
    assert found == [*times.values()]


def test_redaction_and_capture_limits_hold(path: Path) -> None:
    attributes = [
        {"key": "password", "value": {"stringValue": "secret"}},
        {"key": "text", "value": {"stringValue": "x" * 50}},
    ]
    bad = {"name": "secret", "attributes": attributes}
    with receiving(path, redact_keys=["password"], capture_limit=10) as receiver:
        spans = [make_span(1, attributes=attributes), bad]
        assert receiver.submit(make_request("traces", make_message("traces", *spans))).result().rejected == 1
        log = make_log("x" * 50, attributes=attributes)
        assert receiver.submit(make_request("logs", make_message("logs", log))).result() == DONE
    for (found,) in read(path, "SELECT attributes FROM spans UNION ALL SELECT attributes FROM logs"):
        values = json.loads(found)
        assert values["password"] == "[redacted]"
        assert len(values["text"]) < 40
    (content,) = read(path, "SELECT content FROM _quarantine")[0]
    assert "secret" not in content


def test_services_of_one_request_are_counted_apart(path: Path) -> None:
    one, two = make_message("logs", make_log("a"), make_log("b")), make_message("logs", make_log("c"), service="till")
    request = make_request("logs", {"resourceLogs": one["resourceLogs"] + two["resourceLogs"]})
    with receiving(path) as receiver:
        receiver.submit(request._replace(sent_bytes=300)).result()
    assert source(path, "service_name, stored, sent_bytes") == [("shop", 2, 200), ("till", 1, 100)]


def test_beyond_a_thousand_sources_new_ones_are_counted_together(path: Path) -> None:
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998)"
                " INSERT INTO _receiver_sources SELECT NULL, i, i, 'logs', 0, 0, 0, '{}', 0, 0, 0 FROM n"
            )
        for number in range(5):
            receiver.submit(ask_for_logs(f"{number}", sender=f"new {number}")).result()
        receiver.submit(ask_for_spans(1, sender="new")).result()
        receiver.submit(ask_for_logs("last")).result()
    assert read(path, "SELECT count(*) FROM receiver_sources") == [(1_002,)]
    assert source(path, "sender, signal, stored", "stored") == [
        ("(others)", "logs", 4),
        ("(others)", "traces", 1),
        ("curl", "logs", 2),
        ("new 0", "logs", 1),
    ]


def test_a_locked_file_is_no_loss_and_an_idle_receiver_writes_it_later(path: Path) -> None:
    with receiving(path, busy_timeout_ms=0) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            assert receiver.submit(ask_for_logs("spooled")).result() == DONE
            assert log_texts(path) == ["first"]
        while log_texts(path) != ["first", "spooled"]:
            time.sleep(0.01)
    assert read(path, "SELECT received, written, spooled, replayed, dropped FROM exporter_health") == [(2, 2, 1, 1, 0)]


def test_where_neither_file_nor_spool_can_be_written_the_sender_is_to_repeat(path: Path) -> None:
    with receiving(path, busy_timeout_ms=0, spool_limit_bytes=0) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path), pytest.raises(BusyError, match="neither the file nor the spool") as raised:
            receiver.submit(ask_for_logs("second")).result()
        assert 1 <= raised.value.retry_after_s <= 30
        assert str(path) not in str(raised.value)
        receiver.submit(ask_for_logs("second")).result()
    assert log_texts(path) == ["first", "second"]
    assert read(path, "SELECT received, dropped FROM exporter_health") == [(2, 0)]


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 999")
    with receiving(path) as receiver, pytest.raises(BusyError, match="pip install -U otel-sqlite-exporter"):
        receiver.submit(ask_for_logs("second")).result()
    assert not Path(spool_path(str(path))).exists()


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with receiving(path) as receiver, pytest.raises(BusyError, match="not one of otel-sqlite-exporter"):
        receiver.submit(ask_for_logs("text")).result()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_closed_receiver_writes_what_waits_and_takes_no_more(path: Path) -> None:
    with receiving(path) as receiver:
        answers = [receiver.submit(ask_for_logs(str(number))) for number in range(50)]
        receiver.close()
        assert [answer.result(0) for answer in answers] == [DONE] * 50
        with pytest.raises(BusyError, match="closed"):
            receiver.submit(ask_for_logs("late"))
    assert sorted(map(int, log_texts(path))) == [*range(50)]


def test_a_full_queue_is_said_and_a_new_client_has_room(path: Path) -> None:
    """The writer waits for a lock, so nothing is taken meanwhile."""
    with receiving(path, waiting_bytes=100_000) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            answers = [receiver.submit(ask_for_logs("held"))]
            greedy = (receiver.submit(ask_for_logs(f"greedy {number}", client="greedy")) for number in range(1_000))
            with pytest.raises(BusyError, match="too much waits") as raised:
                answers.extend(greedy)
            assert 1 <= raised.value.retry_after_s <= 30
            assert 10 < len(answers) < 100
            answers.append(receiver.submit(ask_for_logs("modest", client="modest")))
        assert {answer.result() for answer in answers} == {DONE}
        receiver.submit(ask_for_logs("afterwards", client="greedy")).result()
    # In turns: the modest one is written with the first of the greedy ones.
    texts = log_texts(path)
    assert texts.index("modest") <= 3
    assert len(texts) == len(answers) + 2


def test_a_request_that_is_cancelled_in_time_is_not_written(path: Path) -> None:
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        with locked(path):
            held = receiver.submit(ask_for_logs("held"))
            while not held.running():
                pass
            given_up = receiver.submit(ask_for_logs("given up"))
            assert given_up.cancel()
        assert held.result() == DONE
    assert log_texts(path) == ["first", "held"]


def test_an_error_of_this_package_costs_no_more_than_its_group(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, request: ReceivedRequest, now: int) -> None:
        raise RuntimeError(request.body)

    with receiving(path) as receiver:
        with monkeypatch.context() as patch:
            patch.setattr(RequestDecoder, "decode_request", fail)
            answer = receiver.submit(ask_for_logs("secret"))
            with pytest.raises(BusyError, match="log of the receiver"):
                answer.result()
        assert receiver.submit(ask_for_logs("second")).result() == DONE
    assert log_texts(path) == ["second"]
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
