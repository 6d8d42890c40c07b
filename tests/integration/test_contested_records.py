# SPDX-License-Identifier: Apache-2.0
"""What `compact` finds contested: one case for each relation of the writer that reaches other traces."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from otel_sqlite_exporter.archive.compaction.contested_records import find_contested
from otel_sqlite_exporter.archive.compaction.part_relations import PartRelations
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import TABLES
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, Part
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch, write_part

_T = 1_769_800_000 * 10**9
_S = 10**9
_DATE = "2026-01-30"
_WINDOW_NS = 300 * _S
_ids = itertools.count().__next__
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def _place(trace: str | None, session: str | None, start: float, end: float, **more: Any) -> dict[str, Any]:
    times = {"start_time_unix_nano": _T + int(start * _S), "end_time_unix_nano": _T + int(end * _S)}
    return {"trace_id": trace, "session_id": session, **times, **more}


def _call(trace: str | None, start: float, end: float, session: Any = None, **more: Any) -> Rows:
    call = _place(trace, session, start, end, source="span", service_name="app", parent_span_id="p", is_aggregate=0)
    return {"llm_interactions": [call | {"id": _ids(), "counted": 1} | more]}


def _tool(trace: str, start: float, call_id: str, session: str | None = None, **more: Any) -> Rows:
    return {"tool_interactions": [_place(trace, session, start, start + 1, tool_call_id=call_id, **more)]}


def _told(trace: str, start: float, calls: str, session: str | None = None) -> Rows:
    """What no row of tool_interactions shows."""
    return {"trace_sessions": [_place(trace, session, start, start + 1, _tool_calls=calls)]}


def _event(trace: str | None, phase: str, time: float, session: str, **more: Any) -> Rows:
    event = _place(trace, session, time, time, phase=phase, name=f"job.{phase}", _stem="job", id=int(time * 10))
    return {"events": [event | more]}


def _alone(session: str, time: float, failed_calls: int) -> Rows:
    """Log records without a trace."""
    return {"trace_sessions": [_place("", session, time, time, failed_calls=failed_calls)]}


def _log(session: str | None, time: float, body: str) -> Rows:
    return {"logs": [_place(None, session, time, time, observed_time_unix_nano=0, service_name="app", body=body)]}


def _write(dataset: DatasetFolder, source: str, contents: Sequence[Rows]) -> Manifest:
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for content in contents:
        for name, some in content.items():
            rows.setdefault(name, []).extend(some)
    places = {(row["trace_id"], row["session_id"]): row for some in rows.values() for row in some}
    known = {(row["trace_id"], row["session_id"]) for row in rows.get("trace_sessions", ())}
    summed = [{**row, "trace_id": row["trace_id"] or ""} for key, row in places.items() if key not in known]
    rows.setdefault("trace_sessions", []).extend(summed)
    rows["traces"] = [{"trace_id": trace} for trace in sorted({trace for trace, _ in places if trace})]
    parts: list[Part] = []
    for table in map(TABLES.__getitem__, rows):
        batch = make_batch(table, [[row.get(column) for column in table.columns] for row in rows[table.name]])
        part = write_part(dataset, dataset.name_part(table.name, _DATE, source, 0), table, _DATE, [batch])
        parts += [] if part is None else [part]
    return Manifest(source, _DATE, 0, tuple(parts))


def _find(folder: Path, sources: Sequence[Sequence[Rows]], settled: Sequence[int] = ()) -> set[str]:
    dataset = DatasetFolder(str(folder), "test")
    manifests = [_write(dataset, f"source{number}", contents) for number, contents in enumerate(sources)]
    with closing(PartRelations(dataset, manifests, str(folder))) as relations:
        names = {manifests[number].name for number in settled}
        homes = find_contested(relations, manifests, names, _WINDOW_NS)
    return {unit for units in homes.values() for unit in units}


_USED = {"input_tokens": 7, "output_tokens": 3}
_ALONE = {"parent_span_id": None, "_scope_name": "client"}
_CASES: dict[str, tuple[Sequence[Sequence[Rows]], set[str]]] = {
    "one trace": ([[_call("a", 0, 1), _call("b", 0, 1)], [_call("a", 5, 6), _call("c", 0, 1)]], {"a"}),
    "one response": (
        [[_call("a", 0, 9, response_id="r"), _call("z", 0, 9, response_id="q")], [_call("b", 1, 8, response_id="r")]],
        {"a", "b"},
    ),
    "one id of two times": ([[_call("a", 0, 9, response_id="r")], [_call("b", 900, 908, response_id="r")]], set()),
    "a chain of responses": (
        [
            [_call("a", 0, 9, response_id="r"), _call("b", 10, 11, response_id="r")],
            [_call("c", 1, 2, response_id="r"), _call("c", 1, 2, response_id="s"), _call("d", 1, 2, response_id="s")],
        ],
        {"a", "b", "c", "d"},
    ),
    "two reporters": (
        [[_call("a", 0, 9, **_USED)], [_call("b", 1, 8, **_USED, **_ALONE)]],
        {"a", "b"},
    ),
    "two reporters of other usage": (
        [[_call("a", 0, 9, **_USED)], [_call("b", 1, 8, input_tokens=8, output_tokens=3, **_ALONE)]],
        set(),
    ),
    "two reporters with context": ([[_call("a", 0, 9)], [_call("b", 1, 8, _scope_name="client")]], set()),
    "two reporters of two sessions": ([[_call("a", 0, 9, "s")], [_call("b", 1, 8, "t", **_ALONE)]], set()),
    "two reporters, one without usage of its own": (
        [[_call("a", 0, 9, **_USED, _shows_others=1)], [_call("b", 1, 8, input_tokens=8, **_ALONE)]],
        {"a", "b"},
    ),
    "an agent": (
        [[_call("a", 0, 100, "s", is_aggregate=1, **_USED)], [_call("b", 5, 8, "s"), _call("c", 5, 8, "t")]],
        {"a", "b"},
    ),
    "an agent without usage": ([[_call("a", 0, 100, "s", is_aggregate=1)], [_call("b", 5, 8, "s")]], set()),
    "a pair": (
        [[_event("a", "start", 0, "s"), _event("z", "start", 1, "t")], [_event("b", "finish", 299, "s")]],
        {"a", "b"},
    ),
    "a pair beyond the window": ([[_event("a", "start", 0, "s")], [_event("b", "finish", 301, "s")]], set()),
    "a pair of another stem": (
        [[_event("a", "start", 0, "s")], [_event("b", "finish", 9, "s", _stem="run")]],
        set(),
    ),
    "a pair inside its trace": (
        [
            [_event("a", "start", 0, "s", related_event_id=90), _event("a", "finish", 9, "s", related_event_id=0)],
            [_event("b", "finish", 9.1, "s")],
        ],
        set(),
    ),
    "a pair inside a trace of two parts": (
        [
            [_event("a", "start", 0, "s", related_event_id=90), _event("a", "finish", 9, "s", related_event_id=0)],
            [_event("b", "finish", 9.1, "s"), _call("a", 5, 6)],
        ],
        {"a", "b"},
    ),
    "a pair of a session that another part names": (
        [[_event("a", "start", 0, "s")], [_call("a", 1, 2, "t")], [_event("b", "finish", 9, "t")]],
        {"a", "b"},
    ),
    "a pair of log records without a trace": (
        [[_event(None, "start", 0, "s")], [_event(None, "finish", 9, "s"), _event(None, "finish", 9, "t")]],
        {f"/{_DATE}/s"},
    ),
    "a tool call": (
        [[_tool("a", 0, "call_1", "s")], [_told("b", 60, '["=call_1"]', "s"), _told("c", 60, '["=call_1"]', "t")]],
        {"a", "b"},
    ),
    "a tool call without a session": (
        [[_tool("a", 0, "call_1", "s")], [_told("b", 60, '["=call_1"]'), _told("c", 60, '["=call_2"]')]],
        {"a", "b"},
    ),
    "a tool call hours later": ([[_tool("a", 0, "call_1")], [_told("b", 9_000, '["=call_1"]')]], set()),
    "a tool asked for without an id": (
        [[_told("a", 0, '["?12"]')], [_told("b", 60, '["!12"]'), _told("c", 60, '["!13"]')]],
        {"a", "b"},
    ),
    "results without what asked": ([[_told("a", 0, '["!12"]')], [_told("b", 60, '["!12"]')]], set()),
    "a failed request": (
        [
            [_alone("s", 0, 1), _alone("t", 0, 1), _alone("u", 0, 0)],
            [_alone("s", 9_000, 0), _alone("u", 9, 0)],
        ],
        {f"/{_DATE}/s"},
    ),
    "one log record twice": (
        [[_log("s", 0, "x"), _log("t", 1, "x")], [_log("s", 0, "x"), _log("t", 1, "y")]],
        {f"/{_DATE}/s"},
    ),
    "log records": ([[_log("", 0, "x")], [_log("", 0, "x"), _log("s", 0, "y")]], {f"/{_DATE}/"}),
}


def test_what_several_manifests_decide_is_contested(tmp_path: Path) -> None:
    """All cases stand in one dataset, a month from each other, with names of their own."""
    sources: list[list[Rows]] = [[], [], []]
    for number, (some, _) in enumerate(_CASES.values()):
        for source, contents in zip(sources, some, strict=False):
            source += [_name(number, content) for content in contents]
    found = _find(tmp_path, sources)
    outcome = {case: {unit for unit in found if _number(unit) == number} for number, case in enumerate(_CASES)}
    expected = {
        case: {f"/{_DATE}/{number}{unit.rpartition('/')[2]}" if "/" in unit else f"{number}{unit}" for unit in units}
        for number, (case, (_, units)) in enumerate(_CASES.items())
    }
    assert outcome == expected


def _name(number: int, content: Rows) -> Rows:
    return {table: [_name_row(number, row) for row in rows] for table, rows in content.items()}


def _name_row(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    named = {**row}
    for name in ("trace_id", "session_id", "response_id", "tool_call_id", "service_name"):
        if row.get(name) or (name == "session_id" and not row["trace_id"]):
            named[name] = f"{number}{row[name]}"
    if "_tool_calls" in row:
        named["_tool_calls"] = re.sub('"([=?!])', rf'"\g<1>{number}', row["_tool_calls"])
    for name in ("start_time_unix_nano", "end_time_unix_nano"):
        named[name] += number * 30 * 86_400 * _S
    for name in ("id", "related_event_id"):
        if name in row:
            named[name] += number << 50
    return named


def _number(unit: str) -> int:
    found = re.match(r"\d+", unit.rpartition("/")[2])
    assert found is not None
    return int(found.group())


def test_what_was_put_together_is_not_contested_again(tmp_path: Path) -> None:
    sources = [[_call("a", 0, 9, response_id="r")], [_call("b", 1, 8, response_id="r")]]
    assert _find(tmp_path, sources, settled=[0, 1]) == set()


def test_what_comes_later_brings_along_what_was_put_together(tmp_path: Path) -> None:
    settled = [[_call("a", 0, 9, response_id="r")], [_call("b", 1, 8, response_id="r"), _call("z", 1, 8)]]
    new = [_call("c", 2, 7, response_id="r")]
    assert _find(tmp_path, [*settled, new], settled=[0, 1]) == {"a", "b", "c"}


def test_a_trace_is_found_however_far_its_parts_are(tmp_path: Path) -> None:
    """Also what is tied to its old part, which is out of reach of all new parts."""
    far = [_call("a", 0, 9, response_id="r"), _call("b", 1, 8, response_id="r")]
    assert _find(tmp_path, [far, [_call("a", 900_000, 900_001)]], settled=[0]) == {"a", "b"}
