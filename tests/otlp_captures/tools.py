# SPDX-License-Identifier: Apache-2.0
"""What a file says of each tool that ran, beside what really ran."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from tests.otlp_captures.calls import same_arguments
from tests.otlp_captures.differences import (
    JSON,
    Difference,
    SearchedRecords,
    differ,
    loaded_json,
    plain,
    same_text,
    unwrap,
)


def tool_differences(truth: JSON, rows: list[JSON], records: SearchedRecords) -> Iterator[Difference]:
    """Differences of the executions of tools."""
    runs, rest = find_runs(truth), list(rows)
    for number, run in enumerate(runs, 1):
        row = max(rest, key=lambda row: _likeness(run, row), default=None)
        if row is None or _likeness(run, row) == 0:
            is_held = records.hold(run["id"] or "") or records.hold(str(run["result"] or ""))
            yield differ("tool", number, None, run["name"], is_held)
        else:
            rest.remove(row)
            yield from _run(number, run, row, records)
    yield from _too_many(truth, runs, rest)


def find_runs(truth: JSON) -> list[JSON]:
    """The tools that ran, with the id of the call. A tool that ran in another process is known by its result in the
    next prompt."""
    asked = [(call, ask) for call in truth["calls"] for ask in call.get("tool_calls", [])]
    if not truth["tool_runs"]:
        return list(_find_answered(truth["calls"]))
    runs: list[JSON] = []
    for run in truth["tool_runs"]:
        known = (run["scenario"], run["name"], run["arguments"])
        ids = [ask["id"] for call, ask in asked if (call["scenario"], ask["name"], ask["arguments"]) == known]
        taken = {other["id"] for other in runs}
        runs.append({**run, "id": next((call_id for call_id in ids if call_id not in taken), None)})
    return runs


def _find_answered(calls: list[JSON]) -> Iterator[JSON]:
    for call, following in pairwise(calls):
        asks = call.get("tool_calls", [])
        results = [text for role, text in following["prompt"] if role == "tool"]
        if asks and call["scenario"] == following["scenario"]:
            for ask, result in zip(asks, results[-len(asks) :], strict=False):
                loaded = loaded_json(result)
                error = loaded.get("error") if isinstance(loaded, dict) else None
                yield {**ask, "scenario": call["scenario"], "result": result, "error": error}


def _run(number: int, run: JSON, row: JSON, records: SearchedRecords) -> Iterator[Difference]:
    if row["tool_name"] != run["name"]:
        yield differ("tool name", number, row["tool_name"], run["name"])
    if run["id"] and not _same_id(row, run):
        yield differ("tool call id", number, row["tool_call_id"], run["id"], records.hold(run["id"]))
    if not same_arguments(loaded_json(row["arguments"]), run["arguments"]):
        is_held = records.hold(json.dumps(run["arguments"]))
        yield differ("tool arguments", number, row["arguments"], run["arguments"], is_held)
    if run["error"] is None and not same_text(unwrap(str(row["result"] or "")), unwrap(str(run["result"]))):
        yield differ("tool result", number, row["result"], run["result"], records.hold(str(run["result"])))
    status = "error" if run["error"] else "ok"
    if row["status"] != status:
        yield differ("tool status", number, row["status"], status, run["error"] is None)


def _same_id(row: JSON, run: JSON) -> bool:
    """Whether a row has the id of a call, perhaps behind the name of the tool: so writes Gemini CLI."""
    return run["id"] is not None and row["tool_call_id"] in (run["id"], f"{run['name']}__{run['id']}")


def _likeness(run: JSON, row: JSON) -> int:
    is_same = _same_id(row, run)
    if not is_same and run["name"] not in re.split(r"\W", row["tool_name"] or ""):
        return 0
    same_input = plain(json.dumps(run["arguments"]))[1:-1] in plain(row["arguments"] or "")
    same_result = bool(run["result"]) and plain(str(run["result"])) in plain(row["result"] or "")
    same_status: bool = (run["error"] is not None) == (row["status"] == "error")
    return 1 + 8 * is_same + 4 * same_input + 3 * same_result + same_status


def _too_many(truth: JSON, runs: list[JSON], rest: list[JSON]) -> Iterator[Difference]:
    """Rows of no tool that ran. What a model asked for and no tool ran is one row: an answer in the form of a tool, or
    a handoff to another agent."""
    asked = {ask["id"] for call in truth["calls"] for ask in call.get("tool_calls", [])}
    spare = asked - {run["id"] for run in runs}
    too_many = 0
    for row in rest:
        if row["tool_call_id"] in spare:
            spare.remove(row["tool_call_id"])
        elif spare and row["tool_call_id"] not in asked and row["tool_name"] not in {run["name"] for run in runs}:
            spare.pop()
        else:
            too_many += 1
            said = [row[name] for name in ("name", "tool_name", "arguments", "result", "status", "source")]
            yield differ("tool too many", too_many, said, None)
