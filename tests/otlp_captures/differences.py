# SPDX-License-Identifier: Apache-2.0
"""A value of a file that is not as served, and whether the records hold the value that was served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

JSON = dict[str, Any]

CUT = "[cut]"
"""Stands in long texts of a capture in place of the rest."""
# The words of the keys under which instrumentations report the kinds of tokens that not all of them know.
_KEYS = {"cached": "cache", "cache_creation": "creat|write", "reasoning": "reason|thought|thinking"}


class Difference(NamedTuple):
    """One value of a file that is not as served."""

    kind: str
    """`wrong`: the file says something else. `hidden`: it says nothing, but the records hold the value. `untold`: it
    says nothing, and the records do not hold the value."""
    field: str
    at: int | str
    """The number of the call or tool, or the name of the agent or session; 0 for a sum."""
    got: Any
    want: Any

    def __str__(self) -> str:
        return f"{self.kind} {self.field} {self.at or ''}: {self.got!r}, served {self.want!r}"


def differ(field: str, at: int | str, got: Any, want: Any, is_held: bool = True) -> Difference:
    """The difference between what a file says and what it should. `is_held`: whether the records hold the value."""
    kind = "wrong" if got not in (None, [], "") else "hidden" if is_held else "untold"
    return Difference(kind, field, at, got, want)


class SearchedRecords:
    """The records of a capture, searched for values that a file does not say."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._spans: dict[str, str] = {}
        self._all = ""
        for line in lines:
            loaded = json.loads(line)
            self._all += plain(line)
            for group in loaded.get("resourceSpans", []):
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        self._add(span)
            for group in loaded.get("resourceLogs", []):
                for scope in group["scopeLogs"]:
                    for record in scope["logRecords"]:
                        self._add(record)

    def _add(self, record: JSON) -> None:
        key = record.get("spanId") or ""
        self._spans[key] = self._spans.get(key, "") + plain(json.dumps(record, ensure_ascii=False))

    def hold(self, text: str | None) -> bool:
        """Whether any record holds this text."""
        return _holds(self._all, text)

    def hold_of(self, row: JSON, text: str | None) -> bool:
        """Whether a record of a row's span holds this text."""
        return _holds(self._spans.get(row["span_id"] or "", ""), text)

    def hold_tokens(self, row: JSON, kind: str, value: int) -> bool:
        """Whether the records of a row's span name this number of a kind of tokens."""
        pattern = rf"(?i)(?:{_KEYS.get(kind, kind)})[^0-9]{{0,60}}{value}(?![0-9])"
        return re.search(pattern, self._spans.get(row["span_id"] or "", "")) is not None


def _holds(records: str, text: str | None) -> bool:
    # A shorter text is found anywhere.
    return (
        text is not None and len(text) > 3 and re.search(rf"{re.escape(plain(text))}(?![-0-9a-z])", records) is not None
    )


def plain(text: str) -> str:
    """A text without layout and without the escapes of JSON in JSON."""
    return re.sub(r"\\+[nrt]|[\s\\]+", "", text)


def unwrap(text: str) -> str:
    """What a tool answered, without the object that Gemini's API needs around it."""
    loaded = loaded_json(text)
    if isinstance(loaded, dict) and len(loaded) == 1 and next(iter(loaded)) in ("return_value", "result", "output"):
        return str(next(iter(loaded.values())))
    return text


def same_text(got: str, want: str) -> bool:
    """Whether texts are the same but for layout, also that of JSON, up to where one of them was cut. A JSON text that
    was cut is none, and begins with its quotes."""
    if isinstance(loaded_json(got), dict | list) and loaded_json(got) == loaded_json(want):
        return True
    got, want = " ".join(str(got).split()), " ".join(str(want).split())
    if CUT in got or CUT in want:
        shorter = min(len(text.partition(CUT)[0].strip()) for text in (got, want) if CUT in text)
        return got[:shorter] == want[:shorter] or got[1:shorter] == want[: shorter - 1]
    return got == want


def loaded_json(value: Any) -> Any:
    """The value of JSON text; any other text is itself."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
