# SPDX-License-Identifier: Apache-2.0
"""The reason in the message of a failure, for a place that shows one line of it. Messages as they are recorded begin
with the call that made the exception, end in a traceback, or hold the whole answer of a server. Pure."""

from __future__ import annotations

import re

_TRACEBACK = "Traceback (most recent call last)"
_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CLASS = r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*"
_REPR = re.compile(rf"""{_CLASS}\((?P<text>{_QUOTED})(?:, .*)?\)\s*""", re.DOTALL)
_CUT_REPR = re.compile(rf"""{_CLASS}\((?=['"])(?P<text>.+)""", re.DOTALL)
_MEMBER = re.compile(rf"""['"]message['"]\s*:\s*(?P<text>{_QUOTED})""")
_TYPE = re.compile(rf"(?P<name>{_CLASS}): (?=\S)")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_WHITESPACE = {"n": "\n", "r": "\r", "t": "\t"}
_LONGEST = 1_000
_MODULES = re.compile(r"(?:[A-Za-z_]\w*\.)+(?P<name>[A-Z]\w*)")


def find_reason(message: str | None, error_type: str | None) -> str | None:
    """Return the reason in one line: without a traceback, the `repr` of an exception around it, and `error_type`, which
    stands beside it. Of an answer of a server as JSON, its first `message`. None: the message tells nothing more."""
    text = _leave_traceback(message or "")
    if made := _REPR.fullmatch(text) or _CUT_REPR.fullmatch(text):
        text = _read_literal(made["text"])
    head, brace, _ = text.partition("{")
    if brace and (member := _MEMBER.search(text, len(head))):
        kind = _TYPE.match(head)
        text = f"{kind[0] if kind else ''}{_read_literal(member['text'])}"
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST]
    seen = {strip_modules(error_type)} if error_type else set()
    while (kind := _TYPE.match(line)) and strip_modules(kind["name"]) in seen:
        line = line[kind.end() :]
    while (kind := _TYPE.match(line)) and line[kind.end() :].startswith(kind[0]):
        line = line[kind.end() :]
    if re.fullmatch(_QUOTED, line):  # `str` of a KeyError
        line = _read_literal(line)
    return None if not line or line == error_type else line


def strip_modules(error_type: str) -> str:
    """Return the name of a class without its modules; any other type of an error as it is."""
    found = _MODULES.fullmatch(error_type)
    return found["name"] if found else error_type


def _leave_traceback(message: str) -> str:
    """Return what stands before a traceback; if nothing does, its last line."""
    before, traceback, after = message.partition(_TRACEBACK)
    if not traceback or before.strip():
        return before.strip()
    lines = [line for line in after.splitlines() if line.strip()]
    return lines[-1].strip() if lines else message.strip()


def _read_literal(text: str) -> str:
    """Return the text that a literal of Python or JSON stands for, also if its end is cut."""
    quote = text[:1]
    return _ESCAPE.sub(_unescape, text[1:].removesuffix(")").removesuffix(quote) if quote in ("'", '"') else text)


def _unescape(found: re.Match[str]) -> str:
    escaped = found[1]
    return chr(int(escaped[1:], 16)) if len(escaped) > 1 else _WHITESPACE.get(escaped, escaped)
