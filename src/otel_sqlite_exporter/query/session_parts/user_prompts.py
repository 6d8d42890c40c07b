# SPDX-License-Identifier: Apache-2.0
"""What the user asked in a session: by log records of coding agents, else by the prompts of model calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS
from otel_sqlite_exporter.query.conversations.conversation import Message
from otel_sqlite_exporter.query.conversations.conversation_reader import read_texts
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.session_parts.time_shares import Interval
from otel_sqlite_exporter.query.sql_builder import Select, build_newest
from otel_sqlite_exporter.sql.texts import read_query

_MOST_PROMPTS = 2_000
_MOST_CHARACTERS = 10_000_000
"""The characters of prompts that are read to show the last message of a user in each."""
_SHOWN = 300
_HIDDEN = "<REDACTED>"
"""What Claude Code writes in place of a prompt."""


class UserPrompt(NamedTuple):
    """A prompt, and the trace that its record names. `text`: its first characters; None: it was not recorded."""

    time_unix_nano: int
    text: str | None
    trace_id: str | None


def read_user_prompts(
    connection: sqlite3.Connection, session_id: str, whole: Interval, limit: int = _MOST_PROMPTS
) -> list[UserPrompt]:
    """Return the prompts that log records of a session tell of in a time, up to a limit, in order."""
    bounds = {"session_id": session_id, "since": whole[0], "until": whole[1], "limit": limit}
    prompts: dict[int, UserPrompt] = {}
    for row in fetch(connection, Select(read_query("find_user_prompts"), bounds)):
        text = None if row["prompt"] == _HIDDEN else shorten_prompt(row["prompt"])
        prompts.setdefault(row["start_time_unix_nano"], UserPrompt(row["start_time_unix_nano"], text, row["trace_id"]))
    return [*prompts.values()]


def read_asked(connection: sqlite3.Connection, calls: Iterable[int]) -> Mapping[int, str]:
    """Return the last text of a user in the prompt of each of these calls, as far as they are not too long together."""
    found: dict[int, str] = {}
    characters = 0
    for id in calls:
        select = build_newest(LLM_INTERACTIONS, ("id", "prompt"), {}, among=f"[{id}]", limit=1)
        for row in fetch(connection, select):
            text = row["prompt"] or ""
            characters += len(text)
            if characters > _MOST_CHARACTERS:
                return found
            asked = find_asked(read_texts(None, text))
            if asked is not None:
                found[id] = asked
    return found


def find_asked(messages: Iterable[Message]) -> str | None:
    """Return the first characters of the last text of a user; None: there is none."""
    last = None
    for message in messages:
        parts = message.get("parts")
        if message.get("role") == "user" and isinstance(parts, list):
            last = next((text for part in reversed(parts) if (text := _read_text(part))), last)
    return last


def shorten_prompt(text: Any) -> str | None:
    """Return the first characters of a text in one line; None: there are none."""
    return " ".join(text[: 2 * _SHOWN].split())[:_SHOWN] or None if isinstance(text, str) else None


def _read_text(part: Any) -> str | None:
    if isinstance(part, dict) and part.get("type") == "text":
        return shorten_prompt(part.get("content"))
    return None
