# SPDX-License-Identifier: Apache-2.0
"""`compare`: two sessions or two traces."""

from __future__ import annotations

import sqlite3
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.session_tool import STEP_COLUMNS, make_step_row
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, round_ms, shorten, take_items
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.query.comparisons.compared_runs import find_difference, find_targets, read_run, read_said
from otel_sqlite_exporter.query.comparisons.first_divergence import Divergence, Run, compare_runs
from otel_sqlite_exporter.query.comparisons.step_skeletons import SAID

_TOOLS = 40


def compare(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return where two runs part, and what they differ in."""
    return asked.file.read(_compare, arguments)


def _compare(connection: sqlite3.Connection, arguments: ToolArguments) -> Answer:
    targets = find_targets(connection, arguments["a"], arguments["b"])
    runs = [read_run(connection, target) for target in targets]
    compared = compare_runs(*runs)
    size = arguments.text_bytes
    different = {name: _round(name, pair) for name, pair in compared.measures.items() if pair[0] != pair[1]}
    tools = {shorten(tool, 60): pair for tool, pair in compared.tools.items() if pair[0] != pair[1]}
    head: Json = {
        "kind": targets[0].kind,
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
        head["note"] = "no step differs in what was done, sent or said, or in its outcome"
    elif compared.is_cut:
        head["note"] = "steps_diff covers the first steps only"
    lines = [shorten(line, size) for line in compared.only]
    return Answer(
        head,
        "steps_diff",
        lines,
        lambda shown: {"left_out": f"{len(lines) - shown} lines: raise max_bytes, or read both with get_session"},
    )


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
        found = find_difference(*(read_said(connection, step, divergence.field) for step in steps))
        begin = max(found.place - 60, 0)
        texts = {"text_a": shorten(found.a[begin:], size * 2), "text_b": shorten(found.b[begin:], size * 2)}
        said = {"differs_at": found.place, **texts}
    changes = {"request_changes": [shorten(change, size) for change in divergence.request_changes]}
    return described | {"a": shown[0], "b": shown[1]} | said | (changes if changes["request_changes"] else {})
