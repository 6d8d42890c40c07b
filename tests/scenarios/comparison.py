# SPDX-License-Identifier: Apache-2.0
"""What a file says of a scenario beside what the server served and the scenario was told: every difference, as text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

JSON = dict[str, Any]

PROVIDERS = {"messages": "anthropic"}
TOKENS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_creation_input_tokens", "reasoning_tokens")
ANY = object()
"""Stands for a value that is only known to be there."""


def find_differences(path: Path, scenario: JSON, unrecorded: JSON) -> list[str]:
    """Compare the views of a file with the truth about one of its scenarios. No difference: an empty list. In
    `unrecorded` stands what the file says of a field instead, since the package has not recorded it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        traces = sorted({span["trace_id"] for span in scenario["spans"]})
        calls = _select(connection, "complete_llm_interactions", "counted", traces)
        tools = _select(connection, "complete_tool_interactions", "1", traces)
        agents = _select(connection, "agent_tree", "1", traces)
    found: list[str] = []
    pairs = list(_pair(scenario["ledger"], calls))
    told = scenario["told"]
    if len(calls) - len(scenario["ledger"]) != unrecorded.get("calls too many", 0):
        found.append(
            f"served {[_name(entry) for entry in scenario['ledger']]}, counted {[row['name'] for row in calls]}"
        )
    for number, (entry, row) in enumerate(pairs):
        found += _differ(f"call {number}", _call_truth(entry, told), _call_claim(row), unrecorded)
    asked_by = {id(entry): row["span_id"] for entry, row in pairs}
    found += _tool_differences(scenario, tools, asked_by, unrecorded)
    found += _agent_differences(scenario, agents, unrecorded)
    return found


def _select(connection: sqlite3.Connection, view: str, condition: str, traces: Sequence[str]) -> list[sqlite3.Row]:
    marks = ", ".join("?" * len(traces))
    sql = f"SELECT * FROM {view} WHERE trace_id IN ({marks}) AND {condition} ORDER BY start_time_unix_nano"
    return connection.execute(sql, traces).fetchall()


def _name(entry: JSON) -> str:
    return f"{entry['api']} {entry['request_model']} ({entry['status']})"


def _pair(ledger: list[JSON], rows: list[sqlite3.Row]) -> Iterator[tuple[JSON, sqlite3.Row]]:
    """Calls with their rows: by response id, else in the order of time."""
    by_id = {row["response_id"]: row for row in reversed(rows) if row["response_id"]}
    found = [by_id.get(entry.get("response_id")) for entry in ledger]
    rest = [row for row in rows if not any(row is taken for taken in found)]
    for entry, known in zip(ledger, found, strict=True):
        if row := known or (rest.pop(0) if rest else None):
            yield entry, row


def _call_truth(entry: JSON, told: JSON) -> JSON:
    failed, is_embedding = entry["status"] >= 400, entry["api"] == "embeddings"
    usage = entry.get("usage") or dict.fromkeys(TOKENS)
    truth = {
        "is_embedding": is_embedding,
        "provider": PROVIDERS.get(entry["api"], "openai"),
        "request_model": entry["request_model"],
        "response_model": entry.get("response_model"),
        "response_id": entry.get("response_id"),
        "status": "error" if failed else "ok",
        "error_type": ANY if failed else None,
        "finish_reasons": None if failed or is_embedding else ANY,
        "time_to_first_token_ms": ANY if entry["stream"] and not failed else None,
        "session_id": told.get("session_id"),
        "parameters": [value for _, value in sorted(entry.get("parameters", {}).items())],
        **{kind: usage[kind] for kind in TOKENS},
    }
    truth |= {name: told[name] for name in ("user_id", "agent_name") if name in told}
    # What an API cannot have is not told either.
    for kind in TOKENS:
        if not truth[kind] and kind != "input_tokens":
            truth[kind] = None
    if not is_embedding:
        truth |= {
            "prompt": [_words(text) for _, text in entry["prompt"] if text.strip()],
            "completion": [_words(text) for text in [entry.get("completion")] if text],
            "tool_calls": [[call["id"], call["name"], json.loads(call["arguments"])] for call in _calls(entry)],
        }
    return truth


def _call_claim(row: sqlite3.Row) -> JSON:
    prompt, completion = _messages(row["prompt"]), _messages(row["completion"])
    instructions = row["system_instructions"]
    system = _messages(f'[{{"parts": {instructions}}}]' if instructions else None)
    parameters = json.loads(row["request_parameters"] or "{}")
    claim = {key: row[key] for key in row.keys()} | {  # noqa: SIM118 - a row iterates over its values
        "is_embedding": row["operation"] == "embeddings",
        "parameters": [parameters[key] for key in sorted(parameters) if "tokens" in key or key == "temperature"],
        "prompt": [*_texts(system), *_texts(prompt)],
        "completion": list(_texts(completion)),
        "tool_calls": [
            [call.get("id"), call.get("name"), _loaded(call.get("arguments"))]
            for call in _parts(completion, "tool_call")
        ],
    }
    for kind in TOKENS:
        if claim[kind] == 0 and kind != "input_tokens":
            claim[kind] = None
    return claim


def _tool_differences(
    scenario: JSON, rows: list[sqlite3.Row], asked_by: dict[int, str], unrecorded: JSON
) -> Iterator[str]:
    """Every call of a tool that an answer asks for is one row."""
    results = {call_id: text for entry in scenario["ledger"] for call_id, text in entry.get("tool_results", [])}
    asked = [(entry, call) for entry in scenario["ledger"] for call in _calls(entry)]
    rest = list(rows)
    for number, (entry, call) in enumerate(asked):
        arguments = json.loads(call["arguments"])
        run = _find_run(scenario["tool_runs"], call["name"], arguments)
        result = run.get("result", results.get(call["id"]))  # what it returned, without a framework's envelope
        truth = {
            "tool_call_id": call["id"],
            "tool_name": call["name"],
            "arguments": arguments,
            "result": None if "error" in run else _loaded(result),
            "status": "error" if "error" in run else None if result is None else "ok",
            "asked_by_span_id": asked_by.get(id(entry)),
        }
        row = next((r for r in rest if r["tool_call_id"] == call["id"]), None)
        row = row or next((r for r in rest if _loaded(r["arguments"]) == arguments), None)
        row = row or next((r for r in rest if r["tool_name"] == call["name"]), None)
        if row is None:
            continue
        rest.remove(row)
        claim = {key: row[key] for key in truth} | {key: _loaded(row[key]) for key in ("arguments", "result")}
        yield from _differ(f"tool {number}", truth, claim, unrecorded, prefix="tool.")
    if len(rows) - len(asked) != unrecorded.get("tools too many", 0):
        named = [f"{row['tool_name']} {row['tool_call_id']} ({row['source']} {row['name']})" for row in rows]
        yield f"tools asked for {[call['name'] for _, call in asked]}, told of {named}"


def _find_run(runs: list[JSON], name: str, arguments: JSON) -> JSON:
    return next((run for run in runs if run["name"] == name and run["arguments"] == arguments), {})


def _agent_differences(scenario: JSON, rows: list[sqlite3.Row], unrecorded: JSON) -> Iterator[str]:
    """The agent that the scenario is about has made all calls, in all its runs."""
    if agent := unrecorded.get("agent", scenario["told"].get("agent_name")):
        runs = [row for row in rows if row["agent_name"] == agent]
        depth = min((row["depth"] for row in runs), default=0)
        calls = sum(row["llm_calls"] for row in runs if row["depth"] == depth)
        if calls != len(scenario["ledger"]):
            yield f"agent {agent}: {calls} calls, served {len(scenario['ledger'])}"


def _differ(of: str, truth: JSON, claim: JSON, unrecorded: JSON, prefix: str = "") -> Iterator[str]:
    for field, served in truth.items():
        expected, said = unrecorded.get(prefix + field, served), claim[field]
        if said is None if expected is ANY else said != expected:
            yield f"{of}: {prefix}{field} is {said!r}, not {'a value' if expected is ANY else repr(expected)}"


def _calls(entry: JSON) -> list[JSON]:
    calls: list[JSON] = entry.get("tool_calls", [])
    return calls


def _messages(text: str | None) -> list[JSON]:
    """Messages in the one shape that they must have; a text about anything else."""
    messages = _loaded(text or "[]")
    if isinstance(messages, list) and all(_is_message(message) for message in messages):
        return messages
    return [{"parts": [{"type": "text", "content": f"not of the one shape: {text}"}]}]


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        return False
    return all(isinstance(part, dict) and "type" in part for part in message["parts"])


def _parts(messages: Iterable[JSON], kind: str) -> list[JSON]:
    return [part for message in messages for part in message["parts"] if part["type"] == kind]


def _texts(messages: list[JSON]) -> Iterator[str]:
    for message in messages:
        for part in message["parts"]:
            if part["type"] == "tool_call_response":
                response = part.get("response")
                yield _words(response if isinstance(response, str) else json.dumps(response))
            elif part["type"] == "text" and part["content"]:
                yield _words(part["content"])


def _words(text: str) -> str:
    """A text without what only layout is; JSON in one spelling."""
    loaded = _loaded(text)
    return " ".join((text if isinstance(loaded, str) else json.dumps(loaded)).split())


def _loaded(value: Any) -> Any:
    """The value of JSON text; any other text is itself."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
