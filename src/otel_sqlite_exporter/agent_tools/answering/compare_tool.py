# SPDX-License-Identifier: Apache-2.0
"""`compare`: two sessions or two traces."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.session_tool import STEP_COLUMNS, make_step_row
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, round_ms, shorten, take_items
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import SESSIONS, TRACES, AskableView
from otel_sqlite_exporter.query.comparisons.first_divergence import Divergence, Run, compare_runs
from otel_sqlite_exporter.query.comparisons.step_skeletons import SAID, StepSkeleton, read_steps
from otel_sqlite_exporter.query.conversations.conversation_reader import (
    CALLS_AND_TOOLS,
    ConversationTarget,
    find_target,
    read_texts,
)
from otel_sqlite_exporter.query.conversations.folding import key_messages, write_part
from otel_sqlite_exporter.query.reading import fetch, get_first
from otel_sqlite_exporter.query.sql_builder import build_newest

_TOOLS = 40


def compare(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return where two runs part, and what they differ in."""
    return asked.file.read(_compare, arguments)


def _compare(connection: sqlite3.Connection, arguments: ToolArguments) -> Answer:
    targets = [find_target(connection, arguments[name]) for name in ("a", "b")]
    kinds = {target.kind for target in targets}
    if len(kinds) > 1 or not kinds <= {"session", "trace"}:
        raise NotFoundError("a and b must be two sessions or two traces: give session:ID or trace:ID")
    runs = [_read_run(connection, target) for target in targets]
    compared = compare_runs(*runs)
    size = arguments.text_bytes
    different = {name: _round(name, pair) for name, pair in compared.measures.items() if pair[0] != pair[1]}
    tools = {shorten(tool, 60): pair for tool, pair in compared.tools.items() if pair[0] != pair[1]}
    head: Json = {
        "kind": kinds.pop(),
        "a": targets[0].id[:200],
        "b": targets[1].id[:200],
        "same": [name for name in compared.measures if name not in different],
        "different_a_b": different,
        "tools_a_b": dict(take_items(tools.items(), arguments.most_bytes // 8)[:_TOOLS]),
        "first_divergence": _describe(connection, compared.first_step, runs, size),
    }
    if compared.first is not None and compared.first != compared.first_step:
        head["first_difference"] = _describe(connection, compared.first, runs, size)
    if compared.first is None:
        head["note"] = "no step differs in what was done, in its outcome, or in what was said"
    elif compared.is_cut:
        head["note"] = "steps_diff covers the first steps only"
    lines = [shorten(line, size) for line in compared.only]
    return Answer(
        head,
        "steps_diff",
        lines,
        lambda shown: {"left_out": f"{len(lines) - shown} lines: raise max_bytes, or read both with get_session"},
    )


def _read_run(connection: sqlite3.Connection, target: ConversationTarget) -> Run:
    view: AskableView[Any] = SESSIONS if target.kind == "session" else TRACES
    place: Mapping[str, str] = {f"{target.kind}_id": target.id}
    return get_first(connection, view, **place), read_steps(connection, **place, content=True)


def _round(name: str, pair: tuple[float | None, float | None]) -> tuple[Any, Any]:
    return (round_ms(pair[0]), round_ms(pair[1])) if name.endswith("_ms") else pair


def _describe(connection: sqlite3.Connection, divergence: Divergence | None, runs: list[Run], size: int) -> Any:
    if divergence is None:
        return None
    steps = (divergence.a, divergence.b)
    shown = [
        None if step is None else make_step_row(step, run[0].start_time_unix_nano, size)
        for step, run in zip(steps, runs, strict=True)
    ]
    described = {"steps_before": divergence.position, "what": divergence.field, "columns": STEP_COLUMNS}
    said: Json = {}
    if divergence.field in SAID.get(divergence.a.kind if divergence.a else "", ()):
        one, other = (_read_said(connection, step, divergence.field) for step in steps)
        said = _describe_difference(one, other, size)
    return described | {"a": shown[0], "b": shown[1]} | said


def _read_said(connection: sqlite3.Connection, step: StepSkeleton | None, column: str) -> list[str]:
    """Return the parts of what was said, without ids, which differ from run to run."""
    if step is None:
        return []
    instructions = ("system_instructions",) if column == "prompt" else ()
    select = build_newest(CALLS_AND_TOOLS[step.kind], (column, *instructions), {}, among=f"[{step.id}]", limit=1)
    row = fetch(connection, select)[0]
    if step.kind == "tool":
        return [write_part(row[column])]
    return [" ".join(key) for key in key_messages(read_texts(row.get("system_instructions"), row[column]))]


def _describe_difference(a: Sequence[str], b: Sequence[str], size: int) -> Json:
    """Return the first parts that differ, from shortly before they do."""
    one, other = next((pair for pair in zip_longest(a, b, fillvalue="") if pair[0] != pair[1]), ("", ""))
    place = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    begin = max(place - 60, 0)
    return {"differs_at": place, "text_a": shorten(one[begin:], size * 2), "text_b": shorten(other[begin:], size * 2)}
