# SPDX-License-Identifier: Apache-2.0
"""A small OpenAI-compatible server on the loopback address, for the examples and their tests.

It answers chat completions (plain, streamed, with tools) and embeddings, and fails for the models in
`FAILURES`. A token is a word, so the text alone gives the usage. `LoopbackServer.served` has the calls as
they were reported to clients. A telemetry file of these clients must have the same sums.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

JSON = dict[str, Any]

FAILURES: dict[str, tuple[int, str, str]] = {
    "no-such-model": (404, "invalid_request_error", "model_not_found"),
    "overloaded": (429, "requests", "rate_limit_exceeded"),
    "broken": (500, "server_error", "internal_error"),
}
"""Models whose calls all fail, with HTTP status, error type and error code of the answer."""


class Served(NamedTuple):
    """A call as its client saw it. Tokens are 0 if none are reported (errors, streams without usage)."""

    path: str
    model: str
    input_tokens: int
    output_tokens: int
    status: int


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1 while its `with` block runs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served: list[Served] = []

    @property
    def base_url(self) -> str:
        """The base URL for an OpenAI client."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def __enter__(self) -> LoopbackServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


@contextmanager
def openai_base_url() -> Iterator[str]:
    """Yield OPENAI_BASE_URL if it is set, else the address of a server that runs while the block runs."""
    if url := os.environ.get("OPENAI_BASE_URL"):
        yield url
    else:
        with LoopbackServer() as server:
            yield server.base_url


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer

    def do_POST(self) -> None:
        request: JSON = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if request.get("model") in FAILURES:
            self._fail(request, *FAILURES[request["model"]])
        elif self.path == "/v1/chat/completions":
            self._chat(request)
        elif self.path == "/v1/embeddings":
            self._send(request, embeddings(request))
        else:
            self._fail(request, 404, "invalid_request_error", "unknown_url")

    def _chat(self, request: JSON) -> None:
        completion = chat_completion(request)
        if request.get("stream"):
            include_usage = (request.get("stream_options") or {}).get("include_usage", False)
            self._start(request, "text/event-stream", completion["usage"] if include_usage else {})
            for chunk in chat_chunks(completion, include_usage=include_usage):
                self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())
            self.wfile.write(b"data: [DONE]\n\n")
        else:
            self._send(request, completion)

    def _fail(self, request: JSON, status: int, kind: str, code: str) -> None:
        message = f"{self.path} failed for the model {request.get('model')!r}"
        error = {"message": message, "type": kind, "param": None, "code": code}
        self._send(request, {"error": error}, status)

    def _send(self, request: JSON, answer: JSON, status: int = 200) -> None:
        self._start(request, "application/json", answer.get("usage", {}), status)
        self.wfile.write(json.dumps(answer).encode())

    def _start(self, request: JSON, content_type: str, usage: JSON, status: int = 200) -> None:
        # Recorded before the first byte is sent, so a client that has its answer also finds the record.
        tokens = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        self.server.served.append(Served(self.path, request.get("model", ""), *tokens, status))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: `served` is the log."""


def chat_completion(request: JSON) -> JSON:
    """Return the whole answer to a chat request. Every answer has its own id."""
    messages: list[JSON] = request["messages"]
    reply = _reply(messages, request.get("tools") or [])
    reason = "tool_calls" if "tool_calls" in reply else "stop"
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [{"index": 0, "message": reply, "finish_reason": reason}],
        "usage": _chat_usage(messages, reply),
    }


def chat_chunks(completion: JSON, *, include_usage: bool) -> Iterator[JSON]:
    """Return the same answer as a stream: one chunk for each word, the finish reason, and the usage if requested."""
    (choice,) = completion["choices"]
    chunk = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for delta in _deltas(choice["message"]):
        yield chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    if include_usage:
        yield chunk | {"choices": [], "usage": completion["usage"]}


def embeddings(request: JSON) -> JSON:
    """Return a vector of 8 numbers for each text. The same text has the same vector."""
    texts = [request["input"]] if isinstance(request["input"], str) else request["input"]
    tokens = sum(map(count_tokens, texts))
    vectors = [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]
    return {
        "object": "list",
        "model": request["model"],
        "data": [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def count_tokens(text: str) -> int:
    """Return the number of words in a text."""
    return len(text.split())


def _reply(messages: list[JSON], tools: list[JSON]) -> JSON:
    """Return a call of the first offered tool. After the answer of a tool, or without tools, return a sentence."""
    text = _text(messages[-1])
    if messages[-1]["role"] == "tool":
        return {"role": "assistant", "content": f"I looked it up: {text}"}
    if not tools:
        return {"role": "assistant", "content": f"You asked me this: {text}"}
    function = tools[0]["function"]
    topic = re.findall(r"\w+", text)[-1]
    arguments = dict.fromkeys(function.get("parameters", {}).get("required", []), topic)
    call = {"name": function["name"], "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{uuid.uuid4().hex}", "type": "function", "function": call}],
    }


def _deltas(message: JSON) -> Iterator[JSON]:
    yield {"role": message["role"], "content": ""}
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield {"content": word}
    for index, call in enumerate(message.get("tool_calls", [])):
        head = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [call | {"index": index, "function": head}]}
        yield {"tool_calls": [{"index": index, "function": {"arguments": call["function"]["arguments"]}}]}


def _chat_usage(messages: list[JSON], reply: JSON) -> JSON:
    """Return the usage. All messages but the last are cached; the reply costs its words, and one reasoning token for
    each word of the last message."""
    *earlier, last = (count_tokens(_text(message)) for message in messages)
    prompt, completion = sum(earlier) + last, count_tokens(_text(reply)) + last
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": sum(earlier)},
        "completion_tokens_details": {"reasoning_tokens": last},
    }


def _text(message: JSON) -> str:
    content = message.get("content") or ""
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return " ".join(parts + [call["function"]["arguments"] for call in message.get("tool_calls") or []])
