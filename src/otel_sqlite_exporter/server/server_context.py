# SPDX-License-Identifier: Apache-2.0
"""What the parts of the server share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.skeletons.kept_skeletons import KeptSkeletons
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.server.request_intake import RequestIntake
from otel_sqlite_exporter.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerContext:
    """One running server.

    Attributes:
        settings: Those of the file.
        database: Reads it.
        receiver: Writes it; None if the receiver is switched off.
        base_urls: The addresses under which it can be reached, such as `http://127.0.0.1:4318`.
        intake: Takes requests for the receiver; None without one.
        paths: Where its parts are, such as `/api/v1`.
        stopping: Set when the server begins to stop: answers without an end, such as streams of events, end then.
        at_stop: What parts of the server have called on the event loop at that moment.
        skeletons: Reads the skeletons of traces.
    """

    settings: Settings
    database: TelemetryDatabase
    receiver: Receiver | None
    base_urls: tuple[str, ...]
    intake: RequestIntake | None = None
    paths: tuple[str, ...] = ()
    stopping: threading.Event = field(default_factory=threading.Event)
    at_stop: list[Callable[[], None]] = field(default_factory=list)
    skeletons: KeptSkeletons = field(default_factory=KeptSkeletons)
