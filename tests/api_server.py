# SPDX-License-Identifier: Apache-2.0
"""The API on a free port of this machine, and a client of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from otel_sqlite_exporter.server.serving import TelemetryServer
from tests.conftest import HANG_S
from tests.serving import serving_here


class ApiClient(NamedTuple):
    """What a test asks, and the server that answers."""

    http: httpx.Client
    server: TelemetryServer
    url: str

    def ask(self, path: str, headers: Mapping[str, str] | None = None, **arguments: Any) -> httpx.Response:
        """The answer to a GET with these query arguments."""
        return self.http.get(path, params=arguments or None, headers=headers)

    def read(self, path: str, **arguments: Any) -> Any:
        """The envelope of an answer, which must be there."""
        answer = self.ask(path, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refuse(self, path: str, status_code: int, /, **arguments: Any) -> dict[str, Any]:
        """The problem that is answered, with this status."""
        answer = self.ask(path, **arguments)
        assert answer.status_code == status_code, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = answer.json()
        assert found["status"] == status_code
        return found

    @contextmanager
    def stream(self, last_event_id: str | None = None) -> Iterator[Iterator[StreamedEvent]]:
        """Events as the server sends them."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        with self.http.stream("GET", "/stream", headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _read_events(answer.iter_lines())


class StreamedEvent(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    data: Any


def _read_events(lines: Iterator[str]) -> Iterator[StreamedEvent]:
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if not line and fields:
            yield StreamedEvent(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value


@contextmanager
def asking(path: Path) -> Iterator[ApiClient]:
    """A client of a server of this file, which receives nothing."""
    with serving_here(path, has_receiver=False) as server:
        url = f"{server.base_urls[0]}/api/v1"
        with httpx.Client(base_url=url, timeout=HANG_S) as http:
            yield ApiClient(http, server, url)
