# SPDX-License-Identifier: Apache-2.0
"""Who may wait, whose turn it is, and when one may come again."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from otel_sqlite_exporter.receive.drain_rate import DrainRate
from otel_sqlite_exporter.receive.requests import ReceivedRequest
from otel_sqlite_exporter.receive.waiting_requests import WaitingRequest, WaitingRequests

KIB = 1_024


def make(client: str, name: str = "", size: int = 9 * KIB) -> WaitingRequest:
    request = ReceivedRequest("logs", name.encode().ljust(size), True, "curl", client, size)
    return WaitingRequest(request, Future())


def fill(waiting: WaitingRequests, client: str) -> int:
    count = 0
    while waiting.put(make(client)):
        count += 1
    return count


def take_all(waiting: WaitingRequests) -> list[str]:
    taken = []
    while (one := waiting.take(0)) is not None:
        waiting.release(one)
        taken.append(one.request.client)
    return taken


def test_a_client_has_as_much_room_as_is_left() -> None:
    waiting = WaitingRequests(1_200 * KIB)  # 120 requests
    assert [fill(waiting, client) for client in ("a", "b", "c", "d")] == [60, 30, 15, 8]
    assert take_all(waiting)[:8] == ["a", "b", "c", "d"] * 2
    assert [fill(waiting, client) for client in ("d", "a")] == [60, 30]


def test_busy_clients_come_to_equal_shares() -> None:
    waiting = WaitingRequests(1_200 * KIB)
    for _ in range(200):
        for client in ("a", "b", "c"):
            fill(waiting, client)
        taken = [waiting.take(0) for _ in range(3)]
        for one in taken:
            assert one is not None
            waiting.release(one)
    for client in ("a", "b", "c"):
        fill(waiting, client)
    counts = {client: take_all(waiting).count(client) for client in ("a",)}
    assert 28 <= counts["a"] <= 32


def test_a_request_that_is_larger_than_the_room_is_taken_when_nothing_waits() -> None:
    waiting = WaitingRequests(10 * KIB)
    assert waiting.put(make("a", size=64 * KIB))
    assert not waiting.put(make("b", size=0))
    assert take_all(waiting) == ["a"]
    assert waiting.held_bytes == 0
    assert waiting.put(make("b", size=64 * KIB))


def test_a_request_takes_the_room_of_its_unpacked_body() -> None:
    waiting = WaitingRequests(1_200 * KIB)
    packed = make("a")
    packed = packed._replace(request=packed.request._replace(sent_bytes=20))
    assert waiting.put(packed)
    assert waiting.held_bytes == 10 * KIB
    empty = make("a", size=0)
    assert waiting.put(empty)
    assert waiting.held_bytes == 11 * KIB


def test_a_request_that_is_larger_than_asked_for_keeps_its_turn() -> None:
    waiting = WaitingRequests(1_200 * KIB)
    for client, size in (("a", 90 * KIB), ("a", KIB), ("b", KIB)):
        assert waiting.put(make(client, size=size))
    assert waiting.take(0, most_bytes=50 * KIB) is None
    assert take_all(waiting) == ["a", "b", "a"]


def test_room_is_kept_until_it_is_given_back() -> None:
    waiting = WaitingRequests(20 * KIB)
    assert waiting.put(make("a"))
    one = waiting.take(0)
    assert one is not None
    assert not waiting.put(make("a"))
    waiting.release(one)
    assert waiting.put(make("a"))


def test_a_closed_queue_gives_what_it_has() -> None:
    waiting = WaitingRequests(100 * KIB)
    waiting.put(make("a"))
    waiting.close()
    assert not waiting.put(make("a"))
    assert waiting.take(None) is not None
    assert waiting.take(None) is None


@pytest.mark.parametrize(
    ("written", "waiting_bytes", "wait_s"),
    [
        ([], 10**9, 1),
        ([(1_000_000, 1.0)], 100, 1),
        ([(1_000_000, 1.0)], 7_500_000, 8),
        ([(1_000_000, 1.0)], 10**9, 30),
        ([(0, 1.0)], 100, 30),
        ([(1_000_000, 1.0), (0, 20.0)], 100_000, 30),
    ],
)
def test_when_to_come_again_is_told_by_the_rate(
    written: list[tuple[int, float]], waiting_bytes: int, wait_s: int
) -> None:
    rate = DrainRate()
    for size, seconds in written:
        rate.note(size, seconds)
    assert rate.find_wait_s(waiting_bytes) == wait_s
