# SPDX-License-Identifier: Apache-2.0
"""The two runs that are compared: sessions or traces by their ids, with their steps, and what a step said."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import SESSIONS, TRACES, AskableView
from otel_sqlite_exporter.query.comparisons.first_divergence import Run
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton, read_steps
from otel_sqlite_exporter.query.conversations.conversation_reader import (
    CALLS_AND_TOOLS,
    ConversationTarget,
    find_target,
    read_texts,
)
from otel_sqlite_exporter.query.conversations.folding import key_messages, write_part
from otel_sqlite_exporter.query.reading import fetch, get_first
from otel_sqlite_exporter.query.sql_builder import build_newest

_KINDS = ("session", "trace")


class SaidDifference(NamedTuple):
    """The first parts of what two steps said that differ, and the place at which they do."""

    a: str
    b: str
    place: int


def find_targets(connection: sqlite3.Connection, a: str, b: str) -> tuple[ConversationTarget, ConversationTarget]:
    """Return what two ids name.

    Raises:
        NotFoundError: They do not name two sessions or two traces.
    """
    one, other = find_run(connection, a), find_run(connection, b)
    if one.kind != other.kind:
        raise NotFoundError("a and b must be two sessions or two traces: give session:ID or trace:ID")
    return one, other


def find_run(connection: sqlite3.Connection, text: str) -> ConversationTarget:
    """Return the session or the trace that an id names.

    Raises:
        NotFoundError: It names nothing, several things, or something else.
    """
    target = find_target(connection, text)
    if target.kind not in _KINDS:
        raise NotFoundError("a and b must be two sessions or two traces: give session:ID or trace:ID")
    return target


def read_run(connection: sqlite3.Connection, target: ConversationTarget) -> Run:
    """Return a session or a trace with its steps, which have digests of what was said."""
    view: AskableView[Any] = SESSIONS if target.kind == "session" else TRACES
    place: Mapping[str, str] = {f"{target.kind}_id": target.id}
    return get_first(connection, view, **place), read_steps(connection, **place, content=True)


def read_said(connection: sqlite3.Connection, step: StepSkeleton | None, column: str) -> list[str]:
    """Return the parts of what was said, without ids, which differ from run to run."""
    if step is None or step.kind not in CALLS_AND_TOOLS:
        return []
    instructions = ("system_instructions",) if column == "prompt" else ()
    select = build_newest(CALLS_AND_TOOLS[step.kind], (column, *instructions), {}, among=f"[{step.id}]", limit=1)
    row = fetch(connection, select)[0]
    if step.kind == "tool":
        return [write_part(row[column])]
    return [" ".join(key) for key in key_messages(read_texts(row.get("system_instructions"), row[column]))]


def find_difference(a: Sequence[str], b: Sequence[str]) -> SaidDifference:
    """Return the first parts that differ."""
    one, other = next((pair for pair in zip_longest(a, b, fillvalue="") if pair[0] != pair[1]), ("", ""))
    place = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    return SaidDifference(one, other, place)
