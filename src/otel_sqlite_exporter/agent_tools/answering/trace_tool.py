# SPDX-License-Identifier: Apache-2.0
"""`get_trace`: the skeleton of a trace, depth first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.offsets import read_offset
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, drop_missing, make_row, round_ms, take_items
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.comparisons.critical_path import find_path
from otel_sqlite_exporter.query.comparisons.span_folding import FoldedSpan, find_below, fold_tree
from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_HEAD = (
    *("trace_id", "session_id", "name", "service_name", "status", "start_time", "duration_ms", "spans", "errors"),
    *("logs", "llm_calls", "failed_requests", "failed_calls", "failed_tools", "running", "interrupted"),
    *("input_tokens", "output_tokens", "total_tokens", "cost_usd", "unpriced_calls"),
)
_COLUMNS = ("depth", "span_id", "name", "at_ms", "ms", "marks", "of", "repeats", "below")
_PATH_COLUMNS = ("span_id", "name", "own_ms", "share")
_ERROR_COLUMNS = ("span_id", "name", "error")
_SHARE = 6
"""The errors, and the critical path, each take a part of so many of the answer at most."""
_ERRORS, _PATH = 20, 10


def get_trace(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return a trace, or a part of it, with what failed and what took the time."""
    tree = asked.database.get_trace(arguments["id"], content=False)
    nodes = tree.nodes if arguments["span"] is None else _find_part(tree, arguments["span"])
    roots = tree.roots if arguments["span"] is None else [node for node in nodes if node.depth <= nodes[0].depth]
    path = find_path(roots, [node.span.id for node in nodes])
    failed = [node for node in nodes if node.span.status == "error"]
    preferred = {*path} if len(path) < len(nodes) else set()
    lines = [
        *fold_tree(
            roots,
            nodes,
            preferred=preferred | {node.span.id for node in failed},
            deepest=arguments["depth"],
            is_folded=bool(arguments["fold"]),
        )
    ]
    first = read_offset(arguments, len(lines))
    start, size = tree.trace.start_time_unix_nano, arguments.text_bytes
    rows = [_make_row(line, start, path, size) for line in islice(lines, first, first + arguments.most_bytes // 20)]
    head: Json = {"trace": drop_missing({name: getattr(tree.trace, name) for name in _HEAD}, 120)}
    if first == 0:
        room = arguments.most_bytes // _SHARE
        head |= _describe_errors(failed, room, size) | _describe_path(path, nodes, room, size)
    head |= {"rows_in_all": len(lines), "columns": _COLUMNS}
    after = len(lines) - first
    return Answer(
        head,
        "rows",
        rows,
        lambda shown: {
            "left_out": f"the {after - shown} rows after these: give next_cursor as cursor, or span=ID for a part",
            "next_cursor": str(first + shown),
        },
    )


def _find_part(tree: TraceTree, prefix: str) -> list[SpanNode]:
    ids = {node.span.span_id for node in tree.nodes if node.span.span_id.startswith(prefix.lower())}
    if prefix.lower() in ids:
        ids = {prefix.lower()}
    if not prefix or len(ids) != 1:
        found = "several spans begin with" if ids and prefix else "there is no span"
        raise NotFoundError(f"{found} {prefix[:40]!r} in trace {tree.trace.trace_id}: give the span_id of a row")
    return find_below(tree, ids.pop())


def _make_row(line: FoldedSpan, start: int, path: Mapping[int, int], text_bytes: int) -> list[Any]:
    span = line.node.span
    marks = [*([] if span.status == "ok" else [span.status]), *(["critical"] if span.id in path else [])]
    repeats = None
    if line.spans > 1:
        slowest = line.slowest.span
        times = f"{round_ms(line.total_ms)} ms in all, slowest {round_ms(slowest.duration_ms)} ms"
        repeats = f"x{line.spans}: {times} {slowest.span_id}"
    values = (
        *(line.depth, span.span_id, span.name, round_ms((span.start_time_unix_nano - start) / 1e6)),
        *(
            round_ms(span.duration_ms),
            " ".join(marks) or None,
            _describe_records(line.node),
            repeats,
            line.below or None,
        ),
    )
    return make_row(values, text_bytes)


def _describe_records(node: SpanNode) -> str | None:
    """Return the calls and tools that a span recorded, by the ids that `get_item` takes."""
    calls = [
        f"llm:{call.id} {call.model or '?'}" + (f" {call.total_tokens} tokens" if call.total_tokens else "")
        for call in node.llm_interactions
        if call.counted
    ]
    tools = [f"tool:{tool.id} {tool.tool_name or '?'}" for tool in node.tool_interactions if tool.counted]
    return ", ".join([*calls, *tools]) or None


def _describe_errors(failed: Sequence[SpanNode], room: int, text_bytes: int) -> Json:
    """Return the failed spans, the deepest first: a failure passes from a span to those above it."""
    if not failed:
        return {}
    deepest = sorted(failed, key=lambda node: -node.depth)
    rows = take_items((_describe_error(node, text_bytes) for node in deepest[:_ERRORS]), room)
    more = {"failed_spans_left_out": len(failed) - len(rows)} if len(rows) < len(failed) else {}
    return {"failed_spans_deepest_first": {"columns": _ERROR_COLUMNS, "rows": rows}} | more


def _describe_error(node: SpanNode, text_bytes: int) -> list[Any]:
    span = node.span
    records: Iterable[Any] = (*node.llm_interactions, *node.tool_interactions)
    told = next((record.error_message for record in records if record.error_message), None)
    kind = span.attribute("error.type")
    error = find_reason(span.status_description or told, kind if isinstance(kind, str) else None)
    return make_row([span.span_id, span.name, " ".join(str(one) for one in (kind, error) if one) or None], text_bytes)


def _describe_path(path: Mapping[int, int], nodes: Sequence[SpanNode], room: int, text_bytes: int) -> Json:
    """Return the spans that the end of the trace waited for longest."""
    whole = sum(path.values())
    if not whole:
        return {}
    longest = sorted(path, key=lambda id: -path[id])[:_PATH]
    spans = {node.span.id: node.span for node in nodes if node.span.id in set(longest)}
    rows = (
        make_row((spans[id].span_id, spans[id].name, round_ms(path[id] / 1e6), round(path[id] / whole, 3)), text_bytes)
        for id in longest
        if path[id]
    )
    return {"critical_path_longest_first": {"columns": _PATH_COLUMNS, "rows": take_items(rows, room)}}
