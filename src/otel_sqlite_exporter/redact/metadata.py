# SPDX-License-Identifier: Apache-2.0
"""Knows what is metadata: numbers, and texts that name or identify something. Pure.

`capture=metadata` stores nothing else. A text is metadata if it is short and its key says so: the last word of the key
is one of those in `metadata_words.json` (`gen_ai.tool.name`, `sessionId`), or a dialect, a session or a user is read
from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from importlib.resources import files
from typing import Any

from otel_sqlite_exporter.model.dialect import CONTENT, Dialect, parse_name

LONGEST = 256
"""A longer text is neither a name nor an id."""
_DATA = json.loads(files(__package__).joinpath("metadata_words.json").read_text(encoding="utf-8"))
_WORDS: list[str] = _DATA["words"]
_is_word = re.compile(
    rf"(?:.*[._\-/:#])?(?:{'|'.join(_WORDS)})|.*[a-z0-9](?:{'|'.join(map(str.capitalize, _WORDS))}|ID)", re.DOTALL
).fullmatch


class Metadata:
    """What is metadata if these dialects are in force and these attributes name sessions. Thread-safe."""

    def __init__(self, dialects: Iterable[Dialect], session_attributes: Collection[str]) -> None:
        names = {*session_attributes, *_DATA["names"]}
        for dialect in dialects:
            names.update(parse_name(text).name for text in dialect.operations)
            names.update(marker for marker in dialect.markers if not marker.endswith(".*"))
            for column, sources in dialect.attributes.items():
                if column not in CONTENT:
                    names.update(name.name for source in sources if not source.is_prefix for name in source.names)
        self._names = frozenset(names)

    def is_name(self, key: str) -> bool:
        """Whether a text under this key names or identifies something."""
        return key in self._names or _is_word(key) is not None

    def keeps(self, key: str, value: Any) -> bool:
        """Whether a member of JSON is metadata, or holds some."""
        return isinstance(value, (dict, list)) or is_plain(value) or (is_short(value) and self.is_name(key))


def is_plain(value: Any) -> bool:
    """Whether a value is a number or a boolean: that is metadata under any key."""
    return isinstance(value, (bool, int, float))


def is_short(value: Any) -> bool:
    """Whether a value is a text, or a list of texts, of the length of names."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, str) and len(item) <= LONGEST for item in value)
    return isinstance(value, str) and len(value) <= LONGEST
