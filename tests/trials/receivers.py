# SPDX-License-Identifier: Apache-2.0
"""A receiver is killed at random moments between requests and their answers. Its clients repeat what has no answer, as
senders of OTLP do, while another process holds the lock now and then."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import BusyError, ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from tests.received import make_log, make_message, make_request, make_span
from tests.trials.kills import lock_now_and_then
from tests.trials.outcome import Outcome, is_orphan, kill, spawn
from tests.trials.writers import Notes, check

KILLS, CLIENTS = 10, 4
LONGEST_LIFE_S = 0.2
_PAUSE_S = 0.002


def try_receivers(folder: Path, chance: random.Random) -> Outcome:
    """Each kill is a trial."""
    path, notes, address = folder / "otel.db", Notes(folder / "notes"), str(folder / "socket")
    clients = [spawn(_send_on, address, notes, f"{chance.random()}") for _ in range(CLIENTS)]
    others = [*clients, spawn(lock_now_and_then, path, chance.random())]
    for _ in range(KILLS):
        server = spawn(_serve, path, address, chance.choice([0, 20, 5_000]))
        while not Path(address).exists():
            time.sleep(_PAUSE_S)
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))
        kill(server)
        Path(address).unlink()
    for pid in others:
        kill(pid)
    return Counter(trials=KILLS) + check(path, notes.names())


def _serve(path: Path, address: str, busy_timeout_ms: int) -> None:
    """A program: receive what comes through a socket."""
    receiver = Receiver(resolve_settings(path, busy_timeout_ms=busy_timeout_ms))
    with Listener(f"{address}.new", "AF_UNIX", backlog=CLIENTS) as listener:
        Path(f"{address}.new").rename(address)
        while True:
            threading.Thread(target=_answer, args=(receiver, listener.accept()), daemon=True).start()


def _answer(receiver: Receiver, connection: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            request = ReceivedRequest(*connection.recv())
            try:
                answer = receiver.submit(request).result()
            except BusyError:
                connection.send("busy")
            else:
                connection.send(tuple(answer))


def _send_on(address: str, notes: Notes, prefix: str) -> None:
    """A program: send one request after the other, each until it has an answer, and note the names of its records."""
    chance = random.Random(prefix)
    connection: Connection | None = None
    number = 0
    while not is_orphan():
        number += 1
        request, names = _make_request(chance, prefix, number)
        is_done = False
        while not is_done and not is_orphan():
            try:
                if connection is None:
                    connection = Client(address, "AF_UNIX")
                connection.send(tuple(request))
                is_done = connection.recv() == (0, "")
            except (EOFError, OSError):
                connection = None
            if not is_done:
                time.sleep(chance.uniform(0, 2 * _PAUSE_S))
        notes.add_names(names)


def _make_request(chance: random.Random, prefix: str, number: int) -> tuple[ReceivedRequest, list[str]]:
    names = [f"{prefix}/{number}/{place}" for place in range(chance.randrange(1, 6))]
    if chance.random() < 0.5:
        return make_request("logs", make_message("logs", *map(make_log, names)), client=prefix), names
    spans = [
        make_span(place + 1, name=name, traceId=f"{chance.getrandbits(127) + 1:032x}")
        for place, name in enumerate(names)
    ]
    return make_request("traces", make_message("traces", *spans), client=prefix), names
