# SPDX-License-Identifier: Apache-2.0
"""What a file of an imported capture says, beside what the server served: every difference.

A difference is `wrong` where the file says something else, `hidden` where it says nothing although the capture holds
the value, and `untold` where the capture does not hold it either: only that last kind is the package's own.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

JSON = dict[str, Any]

TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
    "reasoning": "reasoning_tokens",
}
# The words of the keys under which instrumentations report the kinds of tokens that not all of them know.
_KEYS = {"cached": "cache", "cache_creation": "creat|write", "reasoning": "reason|thought|thinking"}
_FINISHES = {
    **dict.fromkeys(("stop", "completed", "complete", "end_turn", "finishreason.stop"), "stop"),
    **dict.fromkeys(("tool_call", "tool_calls", "tool-calls", "tool_use", "function_call"), "tool_call"),
    **dict.fromkeys(("length", "max_tokens", "incomplete"), "length"),
}
CUT = "[cut]"


class Difference(NamedTuple):
    """One value of a file that is not as served."""

    kind: str
    """`wrong`, `hidden` or `untold`."""
    field: str
    place: str
    """Which call or tool, or nothing for a sum over the file."""
    got: Any
    want: Any

    def __str__(self) -> str:
        place = f" ({self.place})" if self.place else ""
        return f"{self.kind} {self.field}{place}: {self.got!r} -> {self.want!r}"


class Capture(NamedTuple):
    """What a package exported, as lines of OTLP JSON, and the truth about it."""

    lines: Sequence[str]
    truth: JSON


def compare(path: Path, capture: Capture) -> list[Difference]:
    """Every difference of a file from the truth of the capture that was imported into it."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        calls = _select(connection, "complete_llm_interactions")
        tools = _select(connection, "complete_tool_interactions")
        agents = [row["agent_name"] for row in _select(connection, "agent_tree")]
        sessions = _select(connection, "sessions")
    records = _Records(capture.lines)
    pairs = list(pair_calls(capture.truth["calls"], calls))
    return [
        *_sums(capture.truth, calls),
        *(found for entry, row in pairs for found in _call_differences(capture.truth, entry, row, records)),
        *_tool_differences(capture.truth, tools, records),
        *_agent_differences(capture.truth, [*agents, *(row["agent_name"] for row in calls)], records),
        *_session_differences(capture.truth, sessions, records),
    ]


def _select(connection: sqlite3.Connection, view: str) -> list[JSON]:
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {view}")]
    return sorted(
        (row for row in rows if row.get("counted", 1)), key=lambda row: (row.get("start_time_unix_nano") or 0, row["id"])
    ) if rows and "id" in rows[0] else rows


class _Records:
    """The records of a capture, searched for a value that the file does not say."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._spans: dict[str, str] = {}
        self._all = ""
        for line in lines:
            loaded = json.loads(line)
            self._all += _plain(line)
            for group in loaded.get("resourceSpans", []):
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        self._add(span)
            for group in loaded.get("resourceLogs", []):
                for scope in group["scopeLogs"]:
                    for record in scope["logRecords"]:
                        self._add(record)

    def _add(self, record: JSON) -> None:
        key = record.get("spanId") or ""
        self._spans[key] = self._spans.get(key, "") + _plain(json.dumps(record, ensure_ascii=False))

    def hold(self, text: str) -> bool:
        """Whether any record holds this text."""
        return bool(text) and _plain(text) in self._all

    def hold_tokens(self, row: JSON, kind: str, value: int) -> bool:
        """Whether the records of a row's span name this number of a kind of tokens."""
        pattern = rf"(?i)(?:{_KEYS.get(kind, kind)})[^0-9]{{0,60}}{value}(?![0-9])"
        return re.search(pattern, self._spans.get(row["span_id"] or "", "")) is not None


def _plain(text: str) -> str:
    """A text without layout and without the escapes of JSON in JSON."""
    return re.sub(r"\\+[nrt]|[\s\\]+", "", text)


def pair_calls(ledger: list[JSON], rows: list[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Calls with the rows that most likely tell of them. Where nothing tells which row it is: in the order of time."""
    pairs = [
        (_likeness(entry, row), -abs(i / len(ledger) - j / len(rows)), i, j)
        for i, entry in enumerate(ledger)
        for j, row in enumerate(rows)
    ]
    entries, taken = {}, set()
    for likeness, _, i, j in sorted(pairs, reverse=True):
        if likeness > 0 and i not in entries and j not in taken:
            entries[i] = rows[j]
            taken.add(j)
    yield from ((entry, entries[i]) for i, entry in enumerate(ledger) if i in entries)


def _likeness(entry: JSON, row: JSON) -> int:
    if (entry["status"] >= 400) != (row["status"] == "error"):
        return -1 if entry["status"] < 400 else _same_prompt(entry, row) * 3
    if entry["status"] >= 400:
        return 2 + _same_prompt(entry, row) * 4
    same_id = row["response_id"] is not None and row["response_id"] == entry["id"]
    same_input = row["input_tokens"] == entry["input"]
    same_output = row["output_tokens"] == entry["output"] and same_input
    answer = entry["completion"] or next((call["id"] for call in entry["tool_calls"]), None)
    same_answer = answer is not None and _plain(answer)[:60] in _plain(row["completion"] or "")
    same_kind = (entry["kind"] == "embeddings") == (row["operation"] == "embeddings")
    return 1 + 20 * same_id + 6 * same_input + 3 * same_output + 6 * same_answer + 4 * same_kind + _same_prompt(entry, row)


def _same_prompt(entry: JSON, row: JSON) -> bool:
    text = _plain(entry["prompt"][-1][1].replace(CUT, "")) if entry["prompt"] else ""
    return bool(text) and text in _plain(row["prompt"] or "")


def _sums(truth: JSON, calls: list[JSON]) -> Iterator[Difference]:
    if len(calls) != len(truth["calls"]):
        yield Difference("wrong", "calls", "", len(calls), len(truth["calls"]))
    failed = [entry for entry in truth["calls"] if entry["status"] >= 400]
    errors = [row for row in calls if row["status"] == "error"]
    if len(errors) != len(failed):
        yield Difference("wrong", "failed calls", "", len(errors), len(failed))
    for kind, column in TOKENS.items():
        got = sum(row[column] or 0 for row in calls)
        if got != truth["tokens"][kind]:
            yield Difference("wrong", f"sum of {column}", "", got, truth["tokens"][kind])


def _call_differences(truth: JSON, entry: JSON, row: JSON, records: _Records) -> Iterator[Difference]:
    place = f"call {entry['n']} {entry['scenario']}"
    request_model = row["request_model"]
    if request_model is None or not _same_model(request_model, entry["model"]):
        yield _difference("request_model", place, request_model, entry["model"], records.hold(entry["model"]))
    if entry["status"] >= 400:
        return
    for kind, column in TOKENS.items():
        want = None if entry["n"] in truth["untold_calls"] else entry[kind]
        if row[column] != want and (row[column] or want):
            hidden = want is not None and records.hold_tokens(row, kind, want)
            yield _difference(column, place, row[column], want, hidden)
    for column, want in (("response_model", entry["response_model"]), ("response_id", entry["id"])):
        if row[column] != want:
            yield _difference(column, place, row[column], want, records.hold(want))
    if entry["kind"] != "embeddings":
        yield from _finish_differences(entry, row, place, records)
        yield from _completion_differences(entry, row, place, records)
    yield from _prompt_differences(entry, row, place, records)


def _difference(field: str, place: str, got: Any, want: Any, is_held: bool) -> Difference:
    kind = "wrong" if got not in (None, [], "") else "hidden" if is_held else "untold"
    return Difference(kind, field, place, got, want)


def _same_model(got: str, want: str) -> bool:
    return got == want or got.endswith(f"/{want}") or want.endswith(f".{got}")


def _finish_differences(entry: JSON, row: JSON, place: str, records: _Records) -> Iterator[Difference]:
    got = json.loads(row["finish_reasons"] or "[]")
    want = _FINISHES[entry["finish"].lower()]
    fits = {want, "tool_call"} if entry["tool_calls"] else {want}
    if [_FINISHES.get(str(reason).lower(), reason) for reason in got] not in [[fit] for fit in fits]:
        yield _difference("finish_reasons", place, got, [entry["finish"]], records.hold(f'finish_reason": "{want}'))


def _messages(text: str | None) -> list[JSON]:
    loaded = _loaded(text or "[]")
    if isinstance(loaded, list) and all(isinstance(m, dict) and isinstance(m.get("parts"), list) for m in loaded):
        return loaded
    return [{"role": "not of the one shape", "parts": [{"type": "text", "content": str(text)}]}]


def _completion_differences(entry: JSON, row: JSON, place: str, records: _Records) -> Iterator[Difference]:
    messages = _messages(row["completion"])
    parts = [part for message in messages for part in message["parts"]]
    text = "".join(str(part.get("content")) for part in parts if part["type"] == "text")
    calls = [[c.get("id"), c.get("name"), c.get("arguments")] for c in parts if c["type"] == "tool_call"]
    want = entry["completion"] or ""
    asked = [[call["id"], call["name"], call["arguments"]] for call in entry["tool_calls"]]
    if not _same_text(text, want):
        yield _difference("completion", place, text, want, records.hold(want.replace(CUT, "")))
    if not _same_calls(calls, asked):
        yield _difference("completion.tool_calls", place, calls, asked, all(records.hold(id) for id, *_ in asked))
    if len(messages) > 1:
        yield Difference("wrong", "completion.messages", place, len(messages), 1)


def _same_calls(got: list[list[Any]], want: list[list[Any]]) -> bool:
    """Whether the same tools are asked for; an id that is not told is no difference here."""
    return len(got) == len(want) and all(
        g[0] in (None, w[0]) and g[1] == w[1] and _same_value(g[2], w[2]) for g, w in zip(got, want, strict=True)
    )


def _same_value(got: Any, want: Any) -> bool:
    return got == want or (CUT in json.dumps(got) and _same_text(json.dumps(got), json.dumps(want)))


def _prompt_differences(entry: JSON, row: JSON, place: str, records: _Records) -> Iterator[Difference]:
    instructions = row["system_instructions"]
    system = _messages(f'[{{"role": "system", "parts": {instructions}}}]' if instructions else None)
    got = list(_texts([*system, *_messages(row["prompt"])]))
    want = [(_role(role), text) for role, text in entry["prompt"] if text.strip()]
    if len(got) != len(want) or not all(g[0] == w[0] and _same_text(g[1], w[1]) for g, w in zip(got, want, strict=True)):
        held = bool(want) and records.hold(want[-1][1].replace(CUT, ""))
        yield _difference("prompt", place, got, want, held)


def _texts(messages: list[JSON]) -> Iterator[tuple[str, str]]:
    """Role and text of each message that has a text; what a tool answered is a message of its own."""
    for message in messages:
        told = "\n".join(str(p.get("content")) for p in message["parts"] if p["type"] == "text")
        if told.strip():
            yield _role(message["role"]), told
        for part in message["parts"]:
            if part["type"] == "tool_call_response":
                response = part.get("response")
                yield _role(message["role"]), response if isinstance(response, str) else json.dumps(response)


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _same_text(got: str, want: str) -> bool:
    """Whether texts are the same but for layout, up to where one of them was cut."""
    got, want = " ".join(str(got).split()), " ".join(str(want).split())
    if CUT in got or CUT in want:
        shorter = min(len(text.partition(CUT)[0].strip()) for text in (got, want) if CUT in text)
        return got[:shorter] == want[:shorter]
    return got == want


def tool_runs(truth: JSON) -> list[JSON]:
    """The tools that ran: where the driver could not see it, those whose result the next prompt holds."""
    asked = [(entry, number, call) for entry in truth["calls"] for number, call in enumerate(entry.get("tool_calls") or [])]
    runs = [dict(run) for run in truth["tool_runs"]]
    for run in runs:
        run["id"] = None
        for entry, _, call in asked:
            if (entry["scenario"], call["name"], call["arguments"]) == (run["scenario"], run["name"], run["arguments"]):
                run["id"] = None if any(other.get("id") == call["id"] for other in runs) else call["id"]
                if run["id"]:
                    break
    if runs:
        return runs
    for entry, number, call in asked:
        following = next((e for e in truth["calls"] if e["n"] == entry["n"] + 1 and e["scenario"] == entry["scenario"]), None)
        results = [text for role, text in following["prompt"] if role == "tool"] if following else []
        if len(results) >= len(entry["tool_calls"]):
            result = results[len(results) - len(entry["tool_calls"]) + number]
            runs.append({**call, "scenario": entry["scenario"], "result": result, "error": None})
    return runs


def _tool_differences(truth: JSON, rows: list[JSON], records: _Records) -> Iterator[Difference]:
    runs, rest = tool_runs(truth), list(rows)
    for number, run in enumerate(runs, 1):
        place = f"tool {number} {run['scenario']}"
        row = max(rest, key=lambda row: _tool_likeness(run, row), default=None)
        if row is None or _tool_likeness(run, row) <= 0:
            held = records.hold(run["id"] or "") or records.hold(str(run["result"] or ""))
            yield Difference("hidden" if held else "untold", "tool", place, None, run["name"])
            continue
        rest.remove(row)
        if row["tool_name"] != run["name"]:
            yield _difference("tool.name", place, row["tool_name"], run["name"], True)
        if row["tool_call_id"] != run["id"] and run["id"]:
            yield _difference("tool.call_id", place, row["tool_call_id"], run["id"], records.hold(run["id"]))
        arguments = _loaded(row["arguments"])
        if not _same_value(arguments, run["arguments"]):
            held = records.hold(json.dumps(run["arguments"]))
            yield _difference("tool.arguments", place, row["arguments"], run["arguments"], held)
        if run["error"] is None and not _same_text(str(row["result"] or ""), str(run["result"])):
            yield _difference("tool.result", place, row["result"], run["result"], records.hold(str(run["result"])))
        if row["status"] != (status := "error" if run["error"] else "ok"):
            yield _difference("tool.status", place, row["status"], status, False)
    asked = [call["id"] for entry in truth["calls"] for call in entry.get("tool_calls") or []]
    spare = [call for call in asked if call not in {run["id"] for run in runs}]
    for row in rest:
        # What a model asked for and no tool ran: an output, or a transfer to another agent.
        if row["tool_call_id"] in spare:
            spare.remove(row["tool_call_id"])
        elif spare and row["tool_call_id"] not in asked and row["tool_name"] not in {run["name"] for run in runs}:
            spare.pop()
        else:
            said = (row["name"], row["tool_name"], row["arguments"], row["result"], row["status"], row["source"])
            yield Difference("wrong", "tool", "one too many", said, None)


def _tool_likeness(run: JSON, row: JSON) -> int:
    if row["tool_name"] != run["name"] and row["tool_call_id"] is None:
        return 0
    same_id = run["id"] is not None and row["tool_call_id"] == run["id"]
    if row["tool_call_id"] and run["id"] and not same_id:
        return 0 if row["tool_name"] != run["name"] else 1
    same_arguments = _plain(json.dumps(run["arguments"]))[1:-1] in _plain(row["arguments"] or "")
    same_result = bool(run["result"]) and _plain(str(run["result"])) in _plain(row["result"] or "")
    same_status = (run["error"] is not None) == (row["status"] == "error")
    return 1 + 8 * same_id + 4 * same_arguments + 3 * same_result + same_status


def _agent_differences(truth: JSON, names: list[str | None], records: _Records) -> Iterator[Difference]:
    told = truth["told"]
    want = set(told.get("agents") or ([told["agent"]] if "agent" in told else []))
    got = {name for name in names if name}
    if want:
        for name in sorted(got - want):
            yield Difference("wrong", "agent", "", name, sorted(want))
        for name in sorted(want - got):
            yield _difference("agent", name, None, name, records.hold(f'"{name}"'))


def _session_differences(truth: JSON, rows: list[JSON], records: _Records) -> Iterator[Difference]:
    for session, user in truth["told"].get("sessions", []):
        row = next((row for row in rows if row["session_id"] == session), None)
        if row is None:
            yield _difference("session", session, None, session, records.hold(f'"{session}"'))
            continue
        if row["user_id"] != user:
            yield _difference("user", session, row["user_id"], user, records.hold(f'"{user}"'))
        if not row["llm_calls"]:
            yield Difference("wrong", "session.llm_calls", session, 0, "more than 0")


def _loaded(value: Any) -> Any:
    """The value of JSON text; any other text is itself."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
