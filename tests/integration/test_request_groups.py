# SPDX-License-Identifier: Apache-2.0
"""Groups of requests: what one costs, how soon a request is in one, and what bounds what the file remembers."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections import Counter
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.deliver.delivery import Delivery
from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.receive.request_decoder import RequestDecoder
from otel_sqlite_exporter.receive.request_groups import RequestGroup
from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.receive.waiting_requests import WaitingRequest
from otel_sqlite_exporter.settings import Settings, resolve_settings
from otel_sqlite_exporter.write.receipts.known_requests import KEPT_NS, forget_requests, take_new
from otel_sqlite_exporter.write.receipts.source_counts import MOST_SOURCES
from tests.conftest import health
from tests.received import (
    NOON_NS,
    ask_for_logs,
    ask_for_spans,
    locked,
    make_log,
    make_message,
    make_request,
    make_span,
    receiving,
    source,
)

# The planner's statistics are gathered when the file doubles: with so many records it has, and will not again here.
_BEFORE = 4_100


def make_group(settings: Settings, *requests: ReceivedRequest) -> Records:
    decoder, group = RequestDecoder(settings), RequestGroup()
    for number, request in enumerate(requests):
        group.add(WaitingRequest(request, Future()), decoder.decode_request(request, NOON_NS), f"{request}{number}")
    return group.make_records()


def count_statements(delivery: Delivery, records: Records) -> Counter[str]:
    """How often each statement is run for a group, by its first words; those that triggers run count once."""
    texts: list[str] = []
    connection = delivery._database.run(lambda connection: connection)
    connection.set_trace_callback(texts.append)
    assert delivery.deliver(records)
    connection.set_trace_callback(None)
    # What says how long to wait depends on the clock: two in one millisecond have one text.
    kept = (text for text in dict.fromkeys(texts) if not text.startswith("PRAGMA busy_timeout"))
    return Counter(" ".join(text.split()[:3]) for text in kept)


def ask(signal: str, first: int, requests: int, records: int) -> list[ReceivedRequest]:
    """Requests of several senders and services, whose records belong to one session."""
    attributes = [{"key": "session.id", "value": {"stringValue": "one"}}]
    asked = []
    for number in range(requests):
        start = first + number * records
        made = [
            make_span(place + 1, traceId=f"{place + 1:032x}", attributes=attributes)
            if signal == "traces"
            else make_log(f"{place}", attributes=attributes)
            for place in range(start, start + records)
        ]
        message = make_message(signal, *made, service=f"service {number % 7}")
        asked.append(make_request(signal, message, sender=f"sender {number % 5}"))
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_a_group_takes_as_many_statements_whatever_its_size(path: Path, signal: str) -> None:
    settings = resolve_settings(path)
    delivery = Delivery(settings, "receive", senders_repeat=True)
    assert delivery.deliver(make_group(settings, *ask(signal, 0, 10, _BEFORE // 10)))
    new: list[Counter[str]] = []
    known: list[Counter[str]] = []
    first = _BEFORE
    for requests, records in ((1, 1), (1, 512), (100, 1), (100, 5)):
        made = ask(signal, first, requests, records)
        first += requests * records
        for counts in (new, known):
            counts.append(count_statements(delivery, make_group(settings, *made)))
    delivery.close()
    assert new[1:] == new[:1] * 3
    assert known[1:] == known[:1] * 3
    assert new[0]["BEGIN IMMEDIATE"] == new[0]["COMMIT"] == 1
    assert sum(known[0].values()) < sum(new[0].values()) < 25
    assert health(path, "written", "duplicate") == (first, first - _BEFORE)


def test_a_request_is_in_one_of_the_next_groups_however_much_another_client_sends(path: Path) -> None:
    """All wait while the first group waits for a lock. Counted in groups, which are transactions, and in requests."""
    clients, flood_size = 5, 60
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        before: list[tuple[int, int]] = []

        def note(_: Future[ExportAnswer]) -> None:
            before.append((health(path, "batches")[0], sum(answer.done() for answer in flood)))

        with locked(path):
            held = receiver.submit(ask_for_logs("held", client="greedy"))
            while not held.running():
                pass
            requests = ask("logs", 0, flood_size, 200)  # three of them make a group
            flood = [receiver.submit(request._replace(client="greedy")) for request in requests]
            modest = []
            for number in range(clients):
                modest.append(receiver.submit(ask_for_spans(number + 1, client=f"modest {number}")))
                modest[-1].add_done_callback(note)
        assert {answer.result() for answer in (held, *flood, *modest)} == {ExportAnswer()}
    # Each client has its turn after one request of the greedy one; a group has one request at least.
    assert len(before) == clients
    for groups, greedy in before:
        assert groups <= 2 + 1 + clients
        assert greedy <= 1
    assert health(path, "batches")[0] >= 2 + flood_size // 3


def test_a_flood_of_large_requests_delays_another_client_by_one(path: Path) -> None:
    """A request of more than 4 MiB is a group of its own."""
    large = "x" * (5 << 20)
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
        order: list[str] = []
        with locked(path):
            held = receiver.submit(ask_for_logs("held"))
            while not held.running():
                pass
            answers = {"held": held}
            for number in range(4):
                request = ask_for_logs(f"{number}{large}", client="greedy")
                answers[f"large {number}"] = receiver.submit(request)
            answers["modest"] = receiver.submit(ask_for_logs("modest", client="modest"))
            for name, answer in answers.items():
                answer.add_done_callback(partial(_note, order, name))
        for answer in answers.values():
            answer.result()
    assert order == ["held", "large 0", "modest", "large 1", "large 2", "large 3"]
    assert health(path, "batches") == (7,)


def _note(order: list[str], name: str, _: Future[ExportAnswer]) -> None:
    order.append(name)


@pytest.mark.slow
def test_the_requests_that_a_file_remembers_are_those_of_an_hour(path: Path) -> None:
    """Three hours of groups, by a clock that is given; it is set back once, by half an hour."""
    chance = random.Random(1)
    with receiving(path) as receiver:
        receiver.submit(ask_for_logs("first")).result()
    numbers = itertools.count()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("DELETE FROM _requests")
        now, end, is_set_back = NOON_NS, NOON_NS + 3 * KEPT_NS, False
        noted: list[int] = []
        most = 0
        while now < end:
            if not is_set_back and now > NOON_NS + 2 * KEPT_NS:
                now, is_set_back = now - KEPT_NS // 2, True
            rows = [RequestRow(f"{next(numbers):032x}", "logs", "curl", 0) for _ in range(chance.randrange(1, 40))]
            file.execute("BEGIN IMMEDIATE")
            records, known = take_new(file, Records(requests=rows), now)
            assert (len(records.requests), known) == (len(rows), [])
            forget_requests(file, len(rows), now)
            file.execute("COMMIT")
            noted += [now] * len(rows)
            most = max(most, *file.execute("SELECT count(*) FROM _requests").fetchone())
            now += chance.randrange(1, 20) * 10**9
        # All of the last hour are known, and those of before are gone but for a few.
        hour = {time for time in noted if end - KEPT_NS < time}
        found = {time for (time,) in file.execute("SELECT time_unix_nano FROM _requests")}
        assert hour <= found
        per_hour = len(noted) / 3.5
        assert most < 2 * per_hour


HOSTILE = ("", "a\0b", "\ud800", "\x1b[31m", "'); DROP TABLE _spans; --", "x" * 100_000, "(others)", "\u202e", '"\\')


def test_the_counters_are_bounded_whatever_senders_and_services_are_called(path: Path) -> None:
    names = [*HOSTILE, *(f"{number}" for number in range(2_500))]
    groups: list[Any] = []
    for name in names:
        groups += make_message("logs", make_log("text"), service=name)["resourceLogs"]
    with receiving(path) as receiver:
        for number, name in enumerate(HOSTILE):
            assert receiver.submit(ask_for_logs(f"from {number}", sender=name)).result() == ExportAnswer()
        assert receiver.submit(make_request("logs", {"resourceLogs": groups})).result() == ExportAnswer()
        for number in range(20):
            receiver.submit(ask_for_logs(f"{number}", sender=f"new {number}")).result()
        receiver.submit(ask_for_logs("again", sender="new 3")).result()
    rows = source(path, "sender, service_name, stored")
    assert MOST_SOURCES - 100 < len(rows) <= MOST_SOURCES + 3
    assert sum(stored for *_, stored in rows) == len(HOSTILE) + len(names) + 21
    assert all(len(text) <= 200 for sender, service, _ in rows for text in (sender, service))
    (others,) = [stored for sender, service, stored in rows if (sender, service) == ("(others)", "(others)")]
    assert others > 1_500
    assert ("\x1b[31m", "shop", 1) in rows
