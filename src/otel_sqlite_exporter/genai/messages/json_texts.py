# SPDX-License-Identifier: Apache-2.0
"""Lists and maps that instrumentation has written as text: JSON, JSON in JSON, Python's `repr`, and either of them cut
off at a limit. Pure, and nothing here raises for any text.

A reader of our own and not `ast.literal_eval`: that one warns of escapes, can fail deep in the interpreter, refuses
`HumanMessage(content='hi')`, and gives nothing for a text that was cut.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

CLASS = "__class__"
"""The key that holds the name of the class where a text shows an object, as in `HumanMessage(content='hi')`."""
# What is not valid JSON is read by Python code, at 0.8 us a token and 0.4 us an escape: so some 100 ms at most, and
# 2.5 ms for the 93 kB of 50 turns with a tool.
_MOST_TOKENS = 20_000
_LONGEST = 500_000
_DEEPEST = 60
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<mark>[][{}(),:=])
  | (?P<bytes>[bB](?:"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z) | '[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)))
  | [ru]?(?P<text>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z) | '[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z))
  | (?P<number>-?(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?)(?![\w.])
  | (?P<name>-?[A-Za-z_][\w.]*)
  | <(?P<object>[^<>]*)>
    )""",
    re.VERBOSE | re.DOTALL,
)
_BEGINNING = re.compile(r"""\s*(?:[\[{"]|\(\s*[\[{('"]|[A-Za-z_][\w.]*\()""")
# The fourth kind is an escape that was cut.
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(
    rf"\\(?:u({_HEX}{{4}})|x({_HEX}{{2}})|U({_HEX}{{8}})|(?:u{_HEX}{{0,3}}|x{_HEX}?|U{_HEX}{{0,7}})?\Z|(.))", re.DOTALL
)
_BYTE = re.compile(rf"\\(?:x({_HEX}{{2}})|(.?))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_CONSTANTS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENUM = re.compile(r"[\w.]+: ['\"]?(.*?)['\"]?", re.DOTALL)
_CLOSING = {"[": "]", "(": ")", "{": "}"}


def decode_text(text: str) -> Any:
    """Return the list or map that `text` holds, as far as it goes where it was cut; None if it is any other text."""
    for _ in range(3):
        if not _BEGINNING.match(text):
            return None
        try:
            value = orjson.loads(text)
        except ValueError:
            return _read(text)
        if not isinstance(value, str):
            return value if isinstance(value, (list, dict)) else None
        text = value
    return None


def decode_json(text: str) -> Any:
    """Return the value that `text` holds as JSON, or `text` itself if it is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def _read(text: str) -> Any:
    if len(text) > _LONGEST:
        return None
    reader = _Reader(text)
    try:
        value = reader.read_value(0)
        return value if isinstance(value, (list, dict)) and reader.is_at_end() else None
    except (_NotReadableError, ValueError, OverflowError, RecursionError):
        return None


class _NotReadableError(Exception):
    """The text is neither JSON nor the `repr` of a value."""


class _EndError(Exception):
    """The text ends inside of a value."""


class _Reader:
    """Reads one value. Where the text ends early, lists and maps hold what came before."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._tokens = 0
        self._kind = ""
        self._token = ""

    def is_at_end(self) -> bool:
        """Whether nothing but space is left."""
        return not self._text[self._place :].strip()

    def read_value(self, depth: int) -> Any:
        """Return the value that begins here."""
        self._next()
        return self._finish_value(depth)

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            if self.is_at_end():
                self._place = len(self._text)
                raise _EndError
            raise _NotReadableError
        self._tokens += 1
        if self._tokens > _MOST_TOKENS:
            raise _NotReadableError
        self._place = match.end()
        self._kind = match.lastgroup or ""
        self._token = match[self._kind]

    def _finish_value(self, depth: int) -> Any:
        """Return the value whose first token was read last."""
        kind, token = self._kind, self._token
        if kind == "text":
            return _unescape(token)
        if kind == "bytes":
            return _read_bytes(token)
        if kind == "number":
            return float(token) if token.strip("-0123456789") else int(token)
        if kind == "object":
            match = _ENUM.fullmatch(token)
            return match[1] if match else f"<{token}>"
        if kind == "name":
            if self._text[self._place : self._place + 1] == "(":
                self._place += 1
                return self._read_object(token, depth)
            return _CONSTANTS.get(token, token)
        if depth >= _DEEPEST or token not in _CLOSING:
            raise _NotReadableError
        return self._read_map(depth) if token == "{" else self._read_members(_CLOSING[token], depth)[1]

    def _read_map(self, depth: int) -> Any:
        values, members = self._read_members("}", depth, ":")
        if members and values:
            raise _NotReadableError
        return members or values

    def _read_object(self, name: str, depth: int) -> dict[str, Any]:
        if depth >= _DEEPEST:
            raise _NotReadableError
        values, positional = self._read_members(")", depth, "=")
        values = {CLASS: name.rpartition(".")[2], **values}
        return values | {"args": positional} if positional else values

    def _read_members(self, closing: str, depth: int, sign: str = "") -> tuple[dict[str, Any], list[Any]]:
        """Return what stands before `closing`: the values that follow a key and `sign`, by key, and the values alone.
        Where the text ends after a value that could be a key, that value is left out."""
        named: dict[str, Any] = {}
        alone: list[Any] = []
        try:
            self._next()
            while self._token != closing or self._kind != "mark":
                value, can_be_key = self._finish_value(depth + 1), sign == ":" or self._kind == "name"
                if not sign:
                    alone.append(value)
                self._next()
                if sign and can_be_key and self._kind == "mark" and self._token == sign:
                    named[str(value)] = self.read_value(depth + 1)
                    self._next()
                elif sign:
                    alone.append(value)
                if self._is_separator(closing):
                    break
                self._next()
        except _EndError:
            pass
        return named, alone

    def _is_separator(self, closing: str) -> bool:
        """Whether the token read last closes what is being read; anything else but a comma is an error."""
        if self._kind != "mark" or self._token not in (",", closing):
            raise _NotReadableError
        return self._token == closing


def _unescape(token: str) -> str:
    quote = token[0]
    text = token[1:-1] if len(token) > 1 and token[-1] == quote else token[1:]
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_replace, text)
    if _SURROGATE.search(text):  # JSON has two escapes for one character beyond the first 65,536
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _read_bytes(token: str) -> bytes:
    """Return what the `repr` of bytes shows: each character or escape is one byte."""
    quote = token[1]
    text = token[2:-1] if len(token) > 2 and token[-1] == quote else token[2:]
    if "\\" in text:
        text = _BYTE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPED.get(match[2], match[2]), text)
    return text.encode("latin-1", "replace")


def _replace(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits is not None:
        code = int(digits, 16)
        return chr(code) if code <= 0x10FFFF else "\ufffd"
    return _ESCAPED.get(match[4], match[4]) if match[4] else ""
