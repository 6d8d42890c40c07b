# SPDX-License-Identifier: Apache-2.0
"""What one client of the API can take from the others: time and threads, both bounded."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from otel_sqlite_exporter.server.api import api_backend
from otel_sqlite_exporter.storage import connection as connection_module
from otel_sqlite_exporter.storage import running_reads
from tests.api_server import asking
from tests.sample_traces import write_traces

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_what_takes_too_long_to_read_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_backend, "_LONGEST_READ_S", 0.0)
    paths = ["/spans", "/sessions", "/services", "/reports/tokens", "/traces/0", "/search?text=x"]
    with asking(write_traces(tmp_path / "otel.db")) as client:
        for path in paths:  # SQLite looks at the clock seldom, and what is fast is over before
            assert client.ask(path).status_code in (200, 404)
        monkeypatch.setattr(connection_module, "STEPS_BETWEEN_SIGNALS", 1)
        for path in paths:
            found = client.refuse(path, 503)
            assert found["type"] == "urn:otel-sqlite-exporter:too-slow"
            assert found["detail"].startswith("it takes too long to read: narrow it by since")


def test_statements_that_are_slow_keep_no_reader_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_backend, "_LONGEST_WAIT_S", 0.05)
    with asking(write_traces(tmp_path / "otel.db")) as client:

        def run(timeout_s: float) -> int:
            return client.http.post("/sql", json={"sql": ENDLESS, "timeout_s": timeout_s}).status_code

        def hold() -> None:
            while run(2) == 503:  # a short statement has its place
                pass

        threads = [threading.Thread(target=hold) for _ in range(2)]
        for thread in threads:
            thread.start()
        while run(0.01) != 503:
            assert any(thread.is_alive() for thread in threads)
        assert client.ask("/spans").status_code == 200
        for thread in threads:
            thread.join()
        assert client.http.post("/sql", json={"sql": "SELECT 1", "timeout_s": 30}).status_code == 200


@pytest.mark.slow
def test_a_server_that_stops_waits_for_no_statement(tmp_path: Path) -> None:
    ended: list[httpx.Response] = []
    with asking(write_traces(tmp_path / "otel.db")) as client:
        running = threading.Thread(
            target=lambda: ended.append(client.http.post("/sql", json={"sql": ENDLESS, "timeout_s": 30}))
        )
        running.start()
        while not running_reads._running:
            assert running.is_alive()
        client.server.stop()
        running.join()
    assert ended[0].status_code >= 400  # the server gave it up
    assert b"took longer than" not in ended[0].content  # and did not wait for its deadline
