# SPDX-License-Identifier: Apache-2.0
"""Requests of OTLP as tests send them, and what a file holds of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import read

NOON_NS = 1_769_860_800_000_000_000
_TOPS = {"traces": "resourceSpans", "logs": "resourceLogs"}
_ITEMS = {"traces": ("scopeSpans", "spans"), "logs": ("scopeLogs", "logRecords")}


def make_span(number: int, **fields: Any) -> dict[str, Any]:
    times = {"startTimeUnixNano": str(NOON_NS), "endTimeUnixNano": str(NOON_NS + number)}
    return {"traceId": f"{1:032x}", "spanId": f"{number:016x}", "name": f"span {number}", **times} | fields


def make_log(text: str, **fields: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(NOON_NS), "body": {"stringValue": text}} | fields


def make_message(signal: str, *records: Any, service: str = "shop") -> dict[str, Any]:
    """A message with records of one service."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scopes, items = _ITEMS[signal]
    return {_TOPS[signal]: [{"resource": resource, scopes: [{items: list(records)}]}]}


def make_request(signal: str, message: Any, *, client: str = "127.0.0.1", sender: str = "curl") -> ReceivedRequest:
    body = json.dumps(message).encode()
    return ReceivedRequest(signal, body, True, sender, client, len(body))


def ask_for_logs(*texts: str, **origin: str) -> ReceivedRequest:
    return make_request("logs", make_message("logs", *map(make_log, texts)), **origin)


def ask_for_spans(*numbers: int, **origin: str) -> ReceivedRequest:
    return make_request("traces", make_message("traces", *map(make_span, numbers)), **origin)


@contextmanager
def receiving(path: Path, *, waiting_bytes: int = 64 << 20, **settings: Any) -> Iterator[Receiver]:
    receiver = Receiver(resolve_settings(path, **settings), waiting_bytes=waiting_bytes)
    try:
        yield receiver
    finally:
        receiver.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While it lasts, nothing is written to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


def log_texts(path: Path) -> list[str]:
    return [json.loads(body) for (body,) in read(path, "SELECT body FROM logs ORDER BY id")]


def source(path: Path, columns: str, where: str = "1") -> list[tuple[Any, ...]]:
    return read(path, f"SELECT {columns} FROM receiver_sources WHERE {where} ORDER BY sender, service_name, signal")
