# SPDX-License-Identifier: Apache-2.0
"""A client that sends OTLP over HTTP all the time: `python -m benchmarks.sender URL SECONDS FORM PACKED NUMBER FILE`.

It says that it is ready, waits for a line, sends the body in the file again and again with other ids and times, waits
for each answer, and prints one JSON object. It imports little, as many of them start at once.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from otel_sqlite_exporter.model.signals import SpanFields
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.otlp.parsed_json import parse_json
from otel_sqlite_exporter.otlp.protobuf import parse_protobuf

JSON, PROTOBUF = "OTLP as JSON", "OTLP as protobuf"
_HEADERS = {JSON: "application/json", PROTOBUF: "application/x-protobuf"}
_SESSIONS, _MOST_REQUESTS = 8, 150_000  # of one body, and of one client, so that the numbers of sessions have 7 digits


def send(url: str, seconds: float, form: str, is_packed: bool, client: int, body: bytes) -> dict[str, float]:
    """Send a body again and again, each time with other ids, and wait for each answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    headers = {"Content-Type": _HEADERS[form], "User-Agent": f"client-{client}/1"}
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    bodies = _renumber(body, form, client)
    next(bodies)  # finds the places
    requests = busy = 0
    print("ready", flush=True)
    sys.stdin.read(1)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        content = next(bodies)
        content = gzip.compress(content, 1) if is_packed else content
        while True:
            connection.request("POST", "/v1/traces", content, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status == 200:
                break
            if response.status != 503:
                raise RuntimeError(f"{response.status} {answer!r}")
            busy += 1
            time.sleep(float(response.headers["Retry-After"]))
        requests += 1
    return {"requests": requests, "busy": busy, "seconds": time.perf_counter() - began}


def _renumber(body: bytes, form: str, client: int) -> Iterator[bytes]:
    """Yield a body with other traces, sessions, answers and times each time, in places that were found once."""
    is_json = form == JSON
    message: Any = parse_json(body) if is_json else parse_protobuf(body, "traces")
    spans = [record for record in decode_message(message, Alterations()) if isinstance(record, SpanFields)]
    ids = {span.context.trace_id.to_bytes(16, "big") for span in spans if span.context and span.context.trace_id}
    marks = [place for raw in ids for place in _find(raw.hex().encode() if is_json else raw, body)]
    answers = [found.start(1) for found in re.finditer(rb"chatcmpl-([0-9a-f]{8})", body)]
    sessions = [(found.start(1), int(found[1])) for found in re.finditer(rb"session-([0-9]{7})", body)]
    times = {int(one) for span in spans for one in (span.start_time or 0, span.end_time or 0)}
    times |= {int(event.timestamp or 0) for span in spans for event in span.events}
    dated = list(_find_times(times, body, is_json))
    length_ns = max(times) - min(times) + 10**9
    first = client * _MOST_REQUESTS
    for number in range(first, first + _MOST_REQUESTS):
        mark = (number + 1).to_bytes(4, "big")
        shown = mark.hex().encode()
        changed = bytearray(body)
        for place in marks:
            changed[place : place + 4 + 4 * is_json] = shown if is_json else mark
        for place in answers:
            changed[place : place + 8] = shown
        for place, session in sessions:
            changed[place : place + 7] = b"%07d" % (number * _SESSIONS + session % _SESSIONS)
        for place, time_ns in dated:
            written = _write_time(time_ns + number * length_ns, is_json)
            changed[place : place + len(written)] = written
        yield bytes(changed)


def _find(part: bytes, body: bytes) -> Iterator[int]:
    return (found.start() for found in re.finditer(re.escape(part), body))


def _find_times(times: set[int], body: bytes, is_json: bool) -> Iterator[tuple[int, int]]:
    """Yield where times stand, and which."""
    if is_json:
        yield from ((found.start(1), int(found[1])) for found in re.finditer(rb'"([0-9]{19})"', body))
        return
    for ending in {_write_time(time_ns, is_json)[5:] for time_ns in times}:
        for place in (place - 5 for place in _find(ending, body)):
            time_ns = int.from_bytes(body[place : place + 8], "little")
            if time_ns in times:
                yield place, time_ns


def _write_time(time_ns: int, is_json: bool) -> bytes:
    return b"%d" % time_ns if is_json else time_ns.to_bytes(8, "little")


def main(arguments: Sequence[str]) -> None:
    """Be one client, and print what was sent."""
    url, seconds, form, is_packed, client, body = arguments
    print(json.dumps(send(url, float(seconds), form, bool(int(is_packed)), int(client), Path(body).read_bytes())))


if __name__ == "__main__":
    main(sys.argv[1:])
