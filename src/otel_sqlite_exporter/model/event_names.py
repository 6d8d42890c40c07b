# SPDX-License-Identifier: Apache-2.0
"""The names of log records and span events. Pure.

A record has a field for its name. Some packages leave it empty, or fill it with the line of source code that made the
record (`event src/main.rs:12`, as Rust's `tracing` does), and give the name elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from otel_sqlite_exporter.model.values import repair_text

NAME_ATTRIBUTE = "event.name"
"""The attribute that may hold the name of a record."""
SCORE_EVENT = "gen_ai.evaluation.result"
"""The name of a record that judges an answer. Its time is that of the judgement, which may be days later."""
_WORD = re.compile(r"\w+")
_BODY = re.compile(r"[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+", re.ASCII)
_LONGEST_BODY = 128


def find_names(
    recorded: Any, attributes: Mapping[Any, Any], body: Any = None, is_known: Callable[[str], bool] | None = None
) -> list[str]:
    """Return the names of a log record or span event, the one that is shown first; none if it has no name.

    In this order: the field for the name, as `recorded`, unless it is empty or names a line of source code; the
    attribute `event.name`; the `body` of a log record if it is a name (words with dots between them, at most 128
    characters); and the line of source code if there is nothing else. A user may write such a body too. So beside
    another name it counts only if it ends with that name, or if `is_known` knows it as the name of a record.
    """
    field = "" if recorded is None else repair_text(recorded)[0]
    is_named = is_name(field)
    names = [field] if is_named else []
    name = attributes.get(NAME_ATTRIBUTE)
    if isinstance(name, str) and is_name(name):
        names.append(repair_text(name)[0])
    if isinstance(body, str) and len(body) <= _LONGEST_BODY and _BODY.fullmatch(body):
        is_repeated = any(body.endswith(f".{one}") for one in names)
        if not names or is_repeated or (is_known is not None and is_known(body)):
            names.append(body)
    if not names and field and not field.isspace():
        names.append(field)
    return list(dict.fromkeys(names))


def find_name(recorded: Any, attributes: Mapping[Any, Any]) -> Any:
    """Return the name of a span event that is shown: the first of `find_names`, else what is `recorded`."""
    if type(recorded) is str and is_name(recorded):
        return recorded
    return next(iter(find_names(recorded, attributes)), recorded)


def is_name(text: str) -> bool:
    """Whether `text` says more than which line of source code made a record."""
    if not text or text.isspace():
        return False
    return not (text[-1].isdigit() and _is_source_line(text))


def restore_recorded(name: str | None, recorded_name: str | None) -> str | None:
    """Return what the field for the name held: `name`, or what the column `recorded_name` keeps of it."""
    return name if recorded_name is None else recorded_name


def _is_source_line(text: str) -> bool:
    """Whether `text` is a file, or `event` and some words, with the number of a line, and of a column if there is one.
    The work grows as the text does."""
    for _ in range(2):
        text, _, number = text.rpartition(":")
        if not number.isdecimal():
            return False
        stem, _, suffix = text.rpartition(".")
        if _WORD.fullmatch(suffix) and ("/" in stem or "\\" in stem):
            return True
        if text.startswith("event") and len(text) > 6 and text[5].isspace():
            return True
    return False
