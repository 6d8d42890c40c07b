# SPDX-License-Identifier: Apache-2.0
"""A model server on the loopback address with a ledger of what it has served, call by call.

It speaks chat completions, responses and embeddings of OpenAI, messages of Anthropic and Gemini's content, whole and
streamed. The ledger is the truth that a telemetry file of its clients is compared with.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.scenarios import anthropic_api, gemini_api, openai_api
from tests.scenarios.exchange import Answer, Request, Usage, answer

JSON = dict[str, Any]

FAILURES = {"overloaded": 429, "broken": 500, "no-such-model": 404}
"""The models every call of which fails, and the HTTP status of the answer."""


class ModelServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1 for as long as its `with` block lasts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ledger: list[JSON] = []

    @property
    def url(self) -> str:
        """The address, to which an Anthropic client adds `/v1/messages`."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def openai_url(self) -> str:
        """What an OpenAI client takes as its base URL."""
        return f"{self.url}/v1"

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_POST(self) -> None:
        body: JSON = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        if path == "/v1/embeddings":
            self._embeddings(body)
        elif path == "/v1/chat/completions":
            request = openai_api.read_chat(body)
            made = answer(request)
            chunks = openai_api.stream_chat(made, wants_usage=request.wants_usage)
            self._send("chat", request, made, openai_api, openai_api.write_chat(made), chunks)
        elif path == "/v1/responses":
            request = openai_api.read_responses(body)
            made = answer(request)
            events = openai_api.stream_responses(made, body)
            self._send("responses", request, made, openai_api, openai_api.write_responses(made, body), events)
        elif path == "/v1/messages":
            request = anthropic_api.read_messages(body)
            made = answer(request, writes_cache=True)
            message, events = anthropic_api.write_message(made), anthropic_api.stream_message(made)
            self._send("messages", request, made, anthropic_api, message, events)
        elif found := gemini_api.METHODS.fullmatch(path):
            request = gemini_api.read_contents(body, found[1], stream=found[2].startswith("stream"))
            made = answer(request)
            content, parts = gemini_api.write_content(made), gemini_api.stream_content(made)
            self._send("gemini", request, made, gemini_api, content, parts)
        else:
            self.send_error(404)

    def _embeddings(self, body: JSON) -> None:
        status = FAILURES.get(body["model"], 200)
        written, usage = openai_api.write_embeddings(body)
        entry = {"api": "embeddings", "stream": False, "status": status, "request_model": body["model"]}
        if status == 200:
            entry |= {"response_model": body["model"], "usage": usage._asdict()}
        self.server.ledger.append(entry)
        self._write_json(status, written if status == 200 else openai_api.write_error(body["model"], status))

    def _send(self, api: str, request: Request, made: Answer, wire: Any, whole: JSON, parts: Iterable[JSON]) -> None:
        status = FAILURES.get(request.model, 200)
        # Kept before the first byte leaves: whoever has an answer finds its record.
        self.server.ledger.append(
            _entry(api, status, request, made, whole.get("id", made.id), wire.finish_reason(made))
        )
        if status != 200:
            self._write_json(status, wire.write_error(request.model, status))
        elif request.stream:
            self._write_stream(api, parts)
        else:
            self._write_json(status, whole)

    def _write_json(self, status: int, written: JSON) -> None:
        self._start(status, "application/json")
        self.wfile.write(json.dumps(written).encode())

    def _write_stream(self, api: str, parts: Iterable[JSON]) -> None:
        self._start(200, "text/event-stream")
        for part in parts:
            name = b"event: %s\n" % part["type"].encode() if "type" in part else b""
            self.wfile.write(name + b"data: %s\n\n" % json.dumps(part).encode())
        if api == "chat":
            self.wfile.write(b"data: [DONE]\n\n")

    def _start(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the ledger is the log."""


def _entry(api: str, status: int, request: Request, made: Answer, response_id: str, reason: str) -> JSON:
    """What the client was told; `usage` is None where it was told none."""
    entry: JSON = {
        "api": api,
        "stream": request.stream,
        "status": status,
        "request_model": request.model,
        "parameters": request.parameters,
        "prompt": [[message.role, message.text] for message in request.messages if message.text],
        "tool_results": [[m.call_id, m.text] for m in request.messages if m.call_id],
    }
    if status != 200:
        return entry
    usage: Usage | None = made.usage if request.wants_usage else None
    return entry | {
        "response_model": made.model,
        "response_id": response_id,
        "finish_reason": reason,
        "usage": usage._asdict() if usage else None,
        "completion": made.text,
        "tool_calls": [call._asdict() for call in made.calls],
    }
