# SPDX-License-Identifier: Apache-2.0
"""The stream of events: a real writer beside it, resumption by Last-Event-ID, rows that were deleted, and its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.query.changes.written_since import Position, read_changes, read_position
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.server.api import change_stream
from tests.api_server import StreamedEvent, asking
from tests.conftest import export_all, exporting
from tests.sample_points import encode_points, make_points, write_points
from tests.sample_traces import write_traces


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "_INTERVAL_S", 0.02)


def names(event: StreamedEvent) -> list[str]:
    assert event.name == "changes"
    return [span["name"] for span in event.data["spans"]]


def collect(events: Iterator[StreamedEvent], wanted: set[str]) -> StreamedEvent:
    """The last event that was needed to see all of these spans."""
    seen: set[str] = set()
    while True:
        event = next(events)
        seen |= {*names(event)}
        if wanted <= seen:
            return event


def test_what_is_written_comes_and_goes_on_after_a_break(path: Path) -> None:
    with asking(path) as client, exporting(path) as exporter:
        export_all(exporter, "before")
        with client.stream() as events:
            ready = next(events)
            assert (ready.name, ready.data) == ("ready", {})
            export_all(exporter, "first")
            first = next(events)
            assert names(first) == ["first"]
            assert first.data["truncated"] is False
        export_all(exporter, "while away", "again")
        with client.stream(first.id) as events:
            assert collect(events, {"while away", "again"}).id != first.id
        with client.stream(ready.id) as events:
            assert names(next(events)) == ["first", "while away", "again"]


def test_a_span_comes_when_it_starts_and_when_it_ends(path: Path) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "live"}), shutdown_on_exit=False)
    provider.add_span_processor(SQLiteSpanProcessor(path))
    tracer = provider.get_tracer("live")
    tracer.start_span("other").end()
    provider.force_flush()
    with asking(path) as client, client.stream() as events:
        next(events)
        call: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 3,
        }
        span = tracer.start_span("asks", attributes=call)
        provider.force_flush()
        (started,) = next(events).data["spans"]
        assert (started["name"], started["status"]) == ("asks", "running")
        span.end()
        provider.force_flush()
        event = next(events)
        assert [(one["id"], one["status"]) for one in event.data["spans"]] == [(started["id"], "ok")]
        assert [(one["model"], one["input_tokens"]) for one in event.data["llm_interactions"]] == [("m", 3)]
    provider.shutdown()


def test_points_are_counted_as_they_come(path: Path) -> None:
    points = encode_points(make_points(2))
    write_points(path, points[:3])
    with asking(path) as client:
        with client.stream() as events:
            ready = next(events)
            write_points(path, points[2:5])
            event = next(events)
            assert (event.name, event.data["points"], event.data["spans"]) == ("changes", 2, [])
        write_points(path, points)
        with client.stream(event.id) as events:
            assert next(events).data["points"] == len(points) - 5
        with client.stream(ready.id) as events:
            assert next(events).data["points"] == len(points) - 3


def test_a_file_that_lost_its_last_rows_says_so(path: Path) -> None:
    file = TelemetryFile(str(path), 5_000)
    with exporting(path) as exporter:
        export_all(exporter, "kept", "lost", "lost too")
        seen = file.read(read_position)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM _spans WHERE name LIKE 'lost%'")
        connection.commit()
    shorter = file.read(read_changes, seen)
    assert (shorter.is_lost, bool(shorter), shorter.spans) == (True, True, ())
    with exporting(path) as exporter:
        export_all(exporter, "gets its id", "and its", "later")
    assert file.read(read_position).record > seen.record
    assert file.read(read_changes, seen).is_lost  # though there are rows with higher ids
    again = file.read(read_changes, shorter.position)
    assert [span["name"] for span in again.spans] == ["gets its id", "and its", "later"]
    with asking(path) as client:
        with client.stream(seen.encode()) as events:
            reset = next(events)
            assert reset.name == "reset"
            assert "read again what you show" in reset.data["detail"]
        with client.stream(shorter.position.encode()) as events:
            assert names(next(events)) == ["gets its id", "and its", "later"]
        with client.stream(reset.id) as events, exporting(path) as exporter:
            export_all(exporter, "after the reset")
            assert names(next(events)) == ["after the reset"]


def test_rows_in_the_middle_may_go(path: Path) -> None:
    file = TelemetryFile(str(path), 5_000)
    with exporting(path) as exporter:
        export_all(exporter, "goes", "stays")
        seen = file.read(read_position)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DELETE FROM _spans WHERE name = 'goes'")
            connection.commit()
        assert not file.read(read_changes, seen)
        export_all(exporter, "new")
    changes = file.read(read_changes, seen)
    assert [span["name"] for span in changes.spans] == ["new"]


def test_more_than_the_most_is_cut_to_the_newest(path: Path) -> None:
    start = Position(0, 0, 0, 0)
    write_traces(path)
    changes = TelemetryFile(str(path), 5_000).read(read_changes, start)
    assert changes.is_whole
    assert len(changes.spans) == 5 * len(changes.tool_interactions)
    assert [span["id"] for span in changes.spans] == sorted(span["id"] for span in changes.spans)


@pytest.mark.parametrize("id", ["x", "", "WzEsMl0", "WzEsMiwzLC00XQ", "é", "eyJhIjoxfQ"])
def test_a_strange_id_is_refused(path: Path, id: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
    with asking(path) as client:
        answer = client.http.get("/stream", headers={b"Last-Event-ID": id.encode()})
        assert (answer.status_code, answer.json()["argument"]) == (400, "Last-Event-ID")


def test_streams_are_bounded_and_end_with_the_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "MOST_STREAMS", 2)
    with exporting(path) as exporter:
        export_all(exporter, "one")
    with asking(path) as client, client.stream() as one:
        next(one)
        with client.stream() as other:
            next(other)
            full = client.http.get("/stream")
            assert (full.status_code, full.headers["retry-after"]) == (503, "10")
            assert full.json()["type"] == "urn:otel-sqlite-exporter:busy"
        while (answer := client.http.head("/stream")).status_code == 503:
            pass  # the server has not seen yet that one is closed
        assert answer.status_code == 200
        client.server.stop()
        assert list(one) == []


def test_a_stream_of_a_file_that_is_gone_ends_with_the_problem(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
    with asking(path) as client, client.stream() as events:
        next(events)
        path.unlink()
        problem: dict[str, Any] = next(events).data
        assert (problem["status"], problem["type"]) == (503, "urn:otel-sqlite-exporter:file-refused")
        assert list(events) == []


def test_nothing_of_the_file_is_open_while_a_stream_waits(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
        with asking(path) as client, client.stream() as events:
            next(events)
            export_all(exporter, "two")
            next(events)
            with closing(sqlite3.connect(path)) as connection:  # a reader in a transaction would keep the log
                busy, left, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert (busy, left) == (0, 0)
