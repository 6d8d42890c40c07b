# SPDX-License-Identifier: Apache-2.0
"""Knows the attributes and events that hold content: prompts, completions, arguments, results, documents. Pure.

Their names are in `content.json`. A name that ends in `*` stands for all keys with this prefix. If a convention
flattens messages into many keys, those that end in a role, a name or an id, for example, are not content.

A record that holds messages may hold them under any key. So of its keys without a namespace only the same are kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from importlib.resources import files

from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS

_CONTENT = json.loads(files(__package__).joinpath("content.json").read_text(encoding="utf-8"))
_CONVENTIONS = _CONTENT["conventions"].values()


def _collect(part: str) -> set[str]:
    return {name for convention in _CONVENTIONS for name in convention.get(part, ())}


def _prefixes(part: str) -> tuple[str, ...]:
    return tuple(sorted(name.removesuffix("*") for name in _collect(part)))


_NAMES = _collect("names")
_WHOLE, _FLATTENED = _prefixes("whole"), _prefixes("flattened")
_KEPT = frozenset(_CONTENT["kept_below_flattened"])
_OTHER_EVENTS = frozenset(_CONTENT["events"]["names"]) - MESSAGE_RECORDS
_OF_OTHER_EVENTS = frozenset(_CONTENT["events"]["attributes"])


def is_content(key: str) -> bool:
    """Whether the attribute of this key is content."""
    if key in _NAMES or key.startswith(_WHOLE):
        return True
    return key.startswith(_FLATTENED) and _is_not_kept(key)


def is_content_of_event(key: str, names: Collection[str]) -> bool:
    """Whether the attribute of this key is content, on the event (or log record) of these names."""
    if is_content(key):
        return True
    if not MESSAGE_RECORDS.isdisjoint(names):
        return ("." not in key or key.startswith("message.")) and _is_not_kept(key)
    return key in _OF_OTHER_EVENTS and not _OTHER_EVENTS.isdisjoint(names)


def carries_content(names: Collection[str]) -> bool:
    """Whether the event (or log record) of these names carries content."""
    return not (MESSAGE_RECORDS.isdisjoint(names) and _OTHER_EVENTS.isdisjoint(names))


def _is_not_kept(key: str) -> bool:
    return key.rpartition(".")[2] not in _KEPT
