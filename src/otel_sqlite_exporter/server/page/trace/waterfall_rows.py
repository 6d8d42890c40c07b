# SPDX-License-Identifier: Apache-2.0
"""The rows of a waterfall as its template shows them: texts, and places of bars in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.skeletons.span_places import find_ends
from otel_sqlite_exporter.query.skeletons.trace_skeleton import ROLES, STATUSES, TraceSkeleton
from otel_sqlite_exporter.server.page.trace.waterfall_lines import WaterfallLine
from otel_sqlite_exporter.show.units import format_cost, format_ms, format_tokens

_LEVEL_PX, _MOST_LEVELS = 12, 24
_LEAST_GAP = 0.15
"""Parts of a bar that are closer, in percent of the width, are drawn as one."""
_MOST_MARKS = 60
SERVICE_COLOURS = 8


class RowCall(NamedTuple):
    """What the model calls and tool executions of a span are, in short."""

    title: str
    tokens: int | None
    cost_usd: float | None
    call: int | None


class BarPart(NamedTuple):
    """A part of a row of time, in percent of its width."""

    x: str
    width: str


class RowMark(NamedTuple):
    """An event or a log record on a bar."""

    x: str
    kind: str


class WaterfallRow(NamedTuple):
    """What is shown of a span, or of a heading, whose `missing` is the id of the parent that is missing."""

    line: WaterfallLine
    at: int
    missing: str
    row_id: int
    span_id: str
    name: str
    what: str
    service: str
    service_colour: int
    role: str
    status: str
    level: int
    indent: int
    is_critical: bool
    is_match: bool
    start: str | None
    duration: str | None
    own: str | None
    tokens: str | None
    cost: str | None
    links: int
    bar: BarPart
    covered: tuple[BarPart, ...]
    marks: tuple[RowMark, ...]


class RowWriter:
    """Makes the rows of one trace."""

    def __init__(self, skeleton: TraceSkeleton, matches: Sequence[int] = ()) -> None:
        spans = skeleton.spans
        self._skeleton, self._spans, self._matches = skeleton, spans, set(matches)
        self._ends = find_ends(spans["depth"])
        ends = [start + length for start, length in zip(spans["start_ns"], spans["duration_ns"], strict=True)]
        self.whole_ns = max(1, *ends) if ends else 1
        self._calls = describe_calls(skeleton)
        self._links = dict(zip(skeleton.links["span"], skeleton.links["count"], strict=True))
        self._marks: dict[int, list[tuple[int, int]]] = {}
        for at, when, kind in zip(*(skeleton.marks[name] for name in ("span", "at_ns", "kind")), strict=True):
            self._marks.setdefault(at, []).append((when, kind))

    def write(self, line: WaterfallLine) -> WaterfallRow:
        """Return the row of a line."""
        at, spans, texts = line.at, self._spans, self._skeleton.texts
        start, length = spans["start_ns"][at], spans["duration_ns"][at]
        told = self._calls.get(at, _NOTHING)
        level = spans["depth"][at] + (line.is_orphan and not line.missing)
        return WaterfallRow(
            line=line,
            at=at,
            missing=line.missing,
            row_id=spans["id"][at],
            span_id=spans["span_id"][at],
            name=texts["name"][spans["name"][at]],
            what=told.title,
            service=texts["service"][spans["service"][at]],
            service_colour=spans["service"][at] % SERVICE_COLOURS,
            role=ROLES[spans["role"][at]],
            status=STATUSES[spans["status"][at]],
            level=level,
            indent=min(level, _MOST_LEVELS) * _LEVEL_PX,
            is_critical=spans["critical_ns"][at] is not None,
            is_match=at in self._matches,
            start=format_ms(start / 1e6),
            duration=format_ms(length / 1e6),
            own=format_ms(spans["self_ns"][at] / 1e6),
            tokens=format_tokens(told.tokens),
            cost=format_cost(told.cost_usd),
            links=self._links.get(at, 0),
            bar=self._place(start, start + length),
            covered=tuple(self._list_covered(at)),
            marks=tuple(self._list_marks(at)),
        )

    def _place(self, start: int, end: int) -> BarPart:
        return BarPart(f"{start / self.whole_ns:.3%}", f"{(end - start) / self.whole_ns:.3%}")

    def _list_covered(self, at: int) -> Iterator[BarPart]:
        """Yield the parts of a span in which a span directly below it ran."""
        first = self._spans["start_ns"][at]
        last = first + self._spans["duration_ns"][at]
        gap = self.whole_ns * _LEAST_GAP / 100
        open_from = open_to = None
        child = at + 1
        while child < self._ends[at]:
            start = max(first, self._spans["start_ns"][child])
            end = min(last, self._spans["start_ns"][child] + self._spans["duration_ns"][child])
            child = self._ends[child]
            if end <= start:
                continue
            if open_from is None or open_to is None:
                open_from, open_to = start, end
            elif start <= open_to + gap:
                open_to = max(open_to, end)
            else:
                yield self._place(open_from, open_to)
                open_from, open_to = start, end
        if open_from is not None and open_to is not None:
            yield self._place(open_from, open_to)

    def _list_marks(self, at: int) -> Iterator[RowMark]:
        for when, kind in self._marks.get(at, ())[:_MOST_MARKS]:
            if 0 <= when <= self.whole_ns:
                yield RowMark(f"{when / self.whole_ns:.3%}", self._skeleton.texts["mark"][kind])


_NOTHING = RowCall("", None, None, None)


def describe_calls(skeleton: TraceSkeleton) -> Mapping[int, RowCall]:
    """Return what each span recorded, by its position."""
    calls, tools, texts = skeleton.llm_interactions, skeleton.tool_interactions, skeleton.texts
    found: dict[int, RowCall] = {}
    names = ("span", "id", "model", "is_aggregate", "counted", "total_tokens", "cost_usd")
    for at, id, model, is_aggregate, counted, tokens, cost in zip(*(calls[name] for name in names), strict=True):
        if at is None or is_aggregate:
            continue
        before = found.get(at, _NOTHING)
        title = before.title or texts["llm_model"][model] or ""
        own = (tokens, cost) if counted else (None, None)
        found[at] = RowCall(title, _add(before.tokens, own[0]), _add(before.cost_usd, own[1]), before.call or id)
    for at, name in zip(tools["span"], tools["tool_name"], strict=True):
        if at is not None and at not in found:
            found[at] = RowCall(texts["tool_name"][name] or "", None, None, None)
    return found


def _add(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b


def make_ticks(whole_ns: int, most: int = 6) -> list[tuple[str, str]]:
    """Return the places and texts of the ticks of a ruler over a length of time: round numbers of a unit."""
    step = 10 ** (len(str(max(1, whole_ns // most))) - 1)
    step = next(step * factor for factor in (1, 2, 5, 10, 20) if step * factor * most >= whole_ns)
    places = range(0, int(whole_ns * 0.96), step)
    return [(f"{at / whole_ns:.3%}", format_ms(at / 1e6) or "") for at in places]
