# SPDX-License-Identifier: Apache-2.0
"""A request that comes again changes nothing, whichever way it and its repetition take into the file."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.deliver.spool import spool_path
from otel_sqlite_exporter.maintain.repair import recover
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.write.receipts import known_requests
from tests.conftest import read, span_names
from tests.received import ask_for_logs, ask_for_spans, locked, log_texts, receiving, source


def send(receiver: Receiver, *requests: ReceivedRequest) -> list[ExportAnswer]:
    return [answer.result() for answer in [receiver.submit(request) for request in requests]]


def spool(path: Path, request: ReceivedRequest) -> None:
    """Receive a request while the file is locked, by a receiver that ends before it can write it."""
    with receiving(path, busy_timeout_ms=0) as receiver, locked(path):
        assert send(receiver, request) == [ExportAnswer()]
        receiver.close()


def write(path: Path, request: ReceivedRequest) -> None:
    """Receive a request, and do not bring in what waits in the spool."""
    waiting = Path(spool_path(str(path)))
    aside = waiting.with_name("aside")
    if waiting.exists():
        waiting.rename(aside)
    with receiving(path) as receiver:
        assert send(receiver, request) == [ExportAnswer()]
    if aside.exists():
        aside.rename(waiting)


Way = Callable[[Path, ReceivedRequest], None]


def _name_ways(ways: tuple[Way, ...]) -> str:
    return ", ".join(way.__name__ for way in ways)


@pytest.mark.parametrize("ways", [*itertools.product([spool, write], repeat=3)], ids=_name_ways)
def test_a_request_is_written_once_whichever_way_it_comes(path: Path, ways: tuple[Way, ...]) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("first"))
    for way in ways:
        way(path, ask_for_logs("again", "again"))
    recover(resolve_settings(path))
    assert log_texts(path) == ["first", "again", "again"]
    assert source(path, "received, stored, duplicate, rejected, retried_requests") == [(7, 3, 4, 0, 2)]


def test_a_request_that_stands_twice_in_a_group_is_written_once(path: Path) -> None:
    with receiving(path) as receiver:
        logs, spans = ask_for_logs("one", "two"), ask_for_spans(1, 2)
        assert send(receiver, logs, spans, logs, spans, logs) == [ExportAnswer()] * 5
    assert log_texts(path) == ["one", "two"]
    assert span_names(path) == ["span 1", "span 2"]
    assert source(path, "signal, stored, duplicate, retried_requests") == [("logs", 2, 4, 2), ("traces", 2, 2, 1)]


def test_equal_records_in_two_requests_stay_two(path: Path) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("equal", "equal"), ask_for_logs("equal"))
    assert log_texts(path) == ["equal"] * 3


def test_a_span_of_another_request_is_a_duplicate(path: Path) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_spans(1, 2))
        send(receiver, ask_for_spans(2, 3), ask_for_spans(3, 4, sender="other"))
    assert span_names(path) == ["span 1", "span 2", "span 3", "span 4"]
    assert source(path, "sender, received, stored, duplicate, retried_requests") == [
        ("curl", 4, 3, 1, 0),
        ("other", 2, 1, 1, 0),
    ]


def _age_requests(path: Path, hours: float) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _requests SET time_unix_nano = time_unix_nano - ? * 3600000000000", (hours,))


def test_a_request_is_known_for_an_hour(path: Path) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("old"))
        _age_requests(path, 0.99)
        send(receiver, ask_for_logs("new"), ask_for_logs("old"))
        assert log_texts(path) == ["old", "new"]
        _age_requests(path, 0.02)
        send(receiver, ask_for_logs("newer"))
        assert read(path, "SELECT count(*) FROM _requests") == [(2,)]


def test_a_request_is_known_as_long_as_batches_wait_in_the_spool(path: Path) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("first"))
    spool(path, ask_for_logs("spooled"))
    write(path, ask_for_logs("spooled"))
    _age_requests(path, 2)
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("later"))
    assert sorted(log_texts(path)) == ["first", "later", "spooled"]


def test_each_batch_forgets_a_few_old_requests(path: Path) -> None:
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("first"))
        with closing(sqlite3.connect(path)) as file, file:
            rows = [(str(number), number) for number in range(100)]
            file.executemany("INSERT INTO _requests (digest, time_unix_nano) VALUES (?, ?)", rows)
        _age_requests(path, 2)
        for number in range(20):
            send(receiver, ask_for_logs(str(number)))
        assert read(path, "SELECT count(*) FROM _requests") == [(20,)]


def test_requests_of_the_future_are_forgotten(path: Path) -> None:
    """A clock that was set back must not keep them for ever."""
    with receiving(path) as receiver:
        send(receiver, ask_for_logs("first"))
        _age_requests(path, -1.01)
        send(receiver, ask_for_logs("second"))
        assert read(path, "SELECT count(*) FROM _requests") == [(1,)]
    assert known_requests.KEPT_NS == 3_600 * 10**9
