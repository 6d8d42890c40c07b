# SPDX-License-Identifier: Apache-2.0
"""Knows the attributes and events that hold content: prompts, completions, arguments, results, documents. Pure.

Their names are in `content.json`. A name that ends in `*` stands for all keys with this prefix. Its lists:

* `names` and `whole`: all of it is content.
* `flattened`: spread over many keys, of which those with a name or an id, for example, are not content.
* `of_providers`: names with the name of a provider in place of `*`.
* `prompts` and `answers`: messages, spread over keys with the number of the message. Of a prompt nothing is kept: what
  is left would be a message that says nothing. Of an answer the finish reason is kept, and the names and ids of the
  tools that it calls.
* `parameters`: JSON with the parameters of a request. The tools, instructions and inputs in it are content.
* `texts`: words about a failure, which repeat what failed. They are content where a call, tool or agent is told.

A record that holds messages may hold them under any key. So of its keys without a namespace only the same are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from importlib.resources import files

from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS

_CONTENT = json.loads(files(__package__).joinpath("content.json").read_text(encoding="utf-8"))
_CONVENTIONS = _CONTENT["conventions"].values()
_EVENTS = _CONTENT["events"]


def _collect(part: str) -> set[str]:
    return {name for convention in _CONVENTIONS for name in convention.get(part, ())}


def _prefixes(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(name.removesuffix("*") for name in names))


def _match_messages(part: str) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(re.escape, _prefixes(_collect(part))))})[0-9]")


_NAMES = _collect("names")
_WHOLE, _FLATTENED = _prefixes(_collect("whole")), _prefixes(_collect("flattened"))
_PROMPTS, _ANSWERS = _match_messages("prompts"), _match_messages("answers")
_PROVIDER = f"(?!(?:{'|'.join(_CONTENT['not_providers'])})[.])[^.]+"
_OF_PROVIDERS = re.compile("|".join(re.escape(name).replace(r"\*", _PROVIDER) for name in _collect("of_providers")))
_KEPT = frozenset(_CONTENT["kept_below_flattened"])
_KEPT_OF_CALLS = frozenset(_CONTENT["kept_in_answers"])
_FINISH_REASON = "finish_reason"
_RESULT_ID = ".tool_call_id"  # says that a prompt holds the result of a tool
_OF_EVENTS = frozenset(_EVENTS["attributes"])
_SCOPES = _prefixes(_EVENTS["scopes"])
CONTENT_RECORDS = frozenset(_EVENTS["names"])
"""The names of events and log records that carry content."""
_OTHER_EVENTS = CONTENT_RECORDS - MESSAGE_RECORDS
PARAMETERS = frozenset(_collect("parameters"))
"""Attributes that hold JSON with the parameters of a request."""
TEXTS = frozenset(_collect("texts"))
"""Attributes that are content where a call, tool or agent is told."""
LEFT_OUT_OF_PARAMETERS = frozenset(_CONTENT["left_out_of_parameters"])
"""Keys of the JSON of `PARAMETERS` that hold content, at any depth."""


def is_content(key: str) -> bool:
    """Whether the attribute of this key is content."""
    if key in _NAMES or key.startswith(_WHOLE):
        return True
    if _PROMPTS.match(key):
        return not key.endswith(_RESULT_ID)
    if _OF_PROVIDERS.fullmatch(key):
        return True
    if _ANSWERS.match(key):
        last = key.rpartition(".")[2]
        return last != _FINISH_REASON and not (last in _KEPT_OF_CALLS and ("tool_call" in key or "function" in key))
    return key.startswith(_FLATTENED) and _is_not_kept(key)


def is_content_of_event(key: str, names: Collection[str]) -> bool:
    """Whether the attribute of this key is content, on the event (or log record) of these names."""
    if is_content(key):
        return True
    if not MESSAGE_RECORDS.isdisjoint(names):
        is_told = "." not in key or key.startswith("message.")
        return key in _OF_EVENTS or (is_told and _is_not_kept(key))
    return key in _OF_EVENTS and not _OTHER_EVENTS.isdisjoint(names)


def carries_content(names: Collection[str]) -> bool:
    """Whether the event (or log record) of these names carries content."""
    return not (MESSAGE_RECORDS.isdisjoint(names) and _OTHER_EVENTS.isdisjoint(names))


def tells_of_calls(scope: str) -> bool:
    """Whether spans and log records of the instrumentation scope with this name tell of calls, tools or agents: then
    what they say in words is content."""
    return scope.startswith(_SCOPES)


def is_kept_member(key: str) -> bool:
    """Whether a member of JSON with this key names something, or says of which kind it is."""
    return key in _KEPT or key in ("role", "model")


def _is_not_kept(key: str) -> bool:
    return key.rpartition(".")[2] not in _KEPT
