# SPDX-License-Identifier: Apache-2.0
"""A trace as text: its spans as a tree, with a waterfall. Siblings of one name are folded if there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.cli.formatting import Interval, Value, format_status
from otel_sqlite_exporter.cli.table_model import Column, Table, make_facts
from otel_sqlite_exporter.cli.tables import print_json_list, print_tables
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.summaries import SpanSummary
from otel_sqlite_exporter.query.trees import SpanNode, TraceTree, describe_node
from otel_sqlite_exporter.show.units import format_cost, format_ms

_SHORTEST_INTERVAL = 1 / 80
"""A bar of the least width, 10 characters, still shows an eighth of a character."""
_ALIKE = 10
"""Siblings of one name that are shown. Those that failed, or have not ended, are shown beyond that."""
_DEEPEST = 10
"""Levels that are indented. Below, the level stands as a number in the indent: a chain of spans needs no more room with
each, and a narrow terminal still shows some of the name."""


class _More(NamedTuple):
    """Stands for siblings that are not shown."""

    depth: int
    name: str
    spans: int


_Line = SpanNode | _More


def show_trace(tree: TraceTree, marks: Mapping[str, Value] | None = None, *, everything: bool, as_json: bool) -> None:
    """Print a trace as a tree, with `marks` among its facts and a waterfall of its spans; `everything`: also siblings
    that are alike."""
    if as_json:
        return print_json_list(tree.trace.to_dict(), "tree", map(describe_node, tree.nodes))
    trace = tree.trace
    facts: dict[str, Value] = {
        "session": trace.session_id,
        "user": trace.user_id,
        "service": trace.service_name,
        "from": trace.start_time,
        "duration": format_ms(trace.duration_ms),
        "status": trace.status,
        "failed calls": trace.failed_calls or None,
        "failed tools": trace.failed_tools or None,
        "tokens": trace.total_tokens,
        "cost_usd": format_cost(trace.cost_usd, trace.unpriced_calls),
        "log records": f"{trace.logs:,}: `logs --trace {trace.trace_id}` lists them" if trace.logs else None,
        **(marks or {}),
    }
    start, duration_ms = trace.start_time_unix_nano, trace.duration_ms
    columns: list[Column[_Line]] = [
        Column("name", _name, least=28),
        Column("waterfall", lambda line: _make_interval(line, start, duration_ms), drop=2),
        Column(
            "duration", lambda line: None if isinstance(line, _More) else format_ms(line.span.duration_ms), right=True
        ),
        Column("status", lambda line: _read(line, _describe_status), least=6, drop=3),
        Column("tokens", lambda line: None if isinstance(line, _More) else line.total_tokens, drop=1),
        Column("span_id", lambda line: _read(line, lambda span: span.span_id)),
    ]
    lines = [*_fold(tree, everything)]
    shown = sum(not isinstance(line, _More) for line in lines)
    spans = [Table(f"spans ({shown:,} of {trace.spans:,})", columns, lines)] if lines else []
    return print_tables(make_facts(f"trace {trace.trace_id}", facts), *spans)


def _fold(tree: TraceTree, everything: bool) -> Iterator[_Line]:
    """Yield each span before those below it."""
    waiting = [*reversed(_choose(tree.roots, everything))]
    while waiting:
        line = waiting.pop()
        yield line
        if not isinstance(line, _More):
            waiting += reversed(_choose(line.children, everything))


def _choose(siblings: Sequence[SpanNode], everything: bool) -> list[_Line]:
    counts = Counter(node.span.name for node in siblings)
    if everything or max(counts.values(), default=0) <= _ALIKE:
        return [*siblings]
    seen: Counter[str] = Counter()
    folded: Counter[str] = Counter()
    chosen: list[SpanNode | str] = []  # a name stands where the first of its spans is left out
    for node in siblings:
        name = node.span.name
        seen[name] += 1
        if seen[name] <= _ALIKE or (node.span.status != "ok" and seen[name] - folded[name] <= 2 * _ALIKE):
            chosen.append(node)
        else:
            folded[name] += 1
            chosen += [name] if folded[name] == 1 else []
    depth = siblings[0].depth
    return [_More(depth, line, folded[line]) if isinstance(line, str) else line for line in chosen]


def _read(line: _Line, read: Callable[[SpanSummary], str | None]) -> str | None:
    return None if isinstance(line, _More) else read(line.span)


def _name(line: _Line) -> str:
    level = f"[{line.depth}] " if line.depth > _DEEPEST else ""
    indent = level.ljust(2 * min(line.depth, _DEEPEST))
    if isinstance(line, _More):
        return f"{indent}… {line.spans:,} more `{line.name}` (--all)"
    return f"{indent}{line.span.name}"


def _make_interval(line: _Line, start_unix_nano: int, duration_ms: float) -> Interval | None:
    if isinstance(line, _More):
        return None
    whole_ms = max(duration_ms, 1e-6)
    begin = min((line.span.start_time_unix_nano - start_unix_nano) / 1e6 / whole_ms, 1 - _SHORTEST_INTERVAL)
    return Interval(begin, min(begin + max(line.span.duration_ms / whole_ms, _SHORTEST_INTERVAL), 1))


def _describe_status(span: SpanSummary) -> str:
    """Return a status; of an error, its type, or the reason if it has none."""
    kind = span.attribute("error.type")
    reason = find_reason(span.status_description, None) if not kind else None
    return format_status(span.status, str(kind or reason or span.status)) or span.status
