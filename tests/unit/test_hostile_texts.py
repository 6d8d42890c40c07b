# SPDX-License-Identifier: Apache-2.0
"""No recorded text makes a pattern of the package itself slow: the work grows as the text does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from otel_sqlite_exporter.genai.globs import compile_glob
from otel_sqlite_exporter.genai.messages.headed_texts import read_headed
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.genai.messages.tool_content import read_result
from otel_sqlite_exporter.model.event_names import is_name
from otel_sqlite_exporter.redact.masked_names import mask_content
from otel_sqlite_exporter.redact.redactor import make_redactor
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.write.interactions.call_matches import _bare

N = 200_000


def mask_name(name: str) -> str:
    return mask_content(name, {"k": json.dumps([f"{name[: number % 60]} {number}" for number in range(N // 20)])}, bool)


def mask_key(key: str) -> bool:
    redactor = make_redactor(resolve_settings(redact_keys=["*a*a*a*b", "[ab]*[ab]*[ab]*x", "*a?a*a?a*c"]))
    assert redactor is not None
    return redactor.masks_key(key)


CASES: list[tuple[Callable[[str], Any], str]] = [
    (is_name, "/" * N + "." * N + "1"),
    (is_name, "a/" * N + ".py:" * N + "1"),
    (is_name, ":1" * N),
    (is_name, "event " * N + "1"),
    (read_headed, "[USER]\n" + "\n" * N + "x\n[USER]\n" + "---\n" * N),
    (read_result, "status='ok' result=" + " error='" * N + "x"),
    (read_result, "status='ok' result=" + " error='' a=" * N),
    (_bare, "gpt" + "-latest" * N),
    (_bare, "gpt" + "-2024" * N + "x"),
    (compile_glob("*a*a*a*b").match, "a" * N),
    (compile_glob("{name}a*a*").match, "ab" * N),
    (mask_key, "a" * N),
    (mask_key, "ab" * N),
    (mask_name, "é b" * N),
    (mask_name, " ".join(f"w{number} w{number}" for number in range(N // 10))),
    (decode_text, '{"a": ' * N),
    (decode_text, "[" * N + "]" * N),
    (decode_text, "{'a': " + "\\" * N),
    (decode_text, "[" + " " * N + "x"),
    (decode_text, "(" + "<" * N),
]


@pytest.mark.parametrize(("function", "text"), CASES, ids=range(len(CASES)))
def test_a_hostile_text_is_read_once(function: Callable[[str], Any], text: str) -> None:
    """Reading such a text again for each of its characters takes hours; all of these take a second."""
    begin = time.thread_time()
    function(text)
    assert time.thread_time() - begin < 60
