# SPDX-License-Identifier: Apache-2.0
"""The rows of a waterfall as its template shows them: texts, and places of bars in percent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.skeletons.recorded_sums import NOTHING, sum_records
from otel_sqlite_exporter.query.skeletons.span_places import find_ends
from otel_sqlite_exporter.query.skeletons.trace_skeleton import ROLES, STATUSES, TraceSkeleton
from otel_sqlite_exporter.server.page.trace.waterfall_lines import WaterfallLine
from otel_sqlite_exporter.show.units import format_cost, format_ms, format_tokens

_LEVEL_PX, _MOST_LEVELS = 12, 24
_LEAST_GAP = 0.15
"""Parts of a bar that are closer, in percent of the width, are drawn as one."""
_MOST_MARKS = 60
SERVICE_COLOURS = 8


class BarPart(NamedTuple):
    """A part of a row of time, in percent of its width."""

    x: str
    width: str


class RowMark(NamedTuple):
    """An event or a log record on a bar."""

    x: str
    kind: str


class WaterfallRow(NamedTuple):
    """What is shown of a span, or of a heading, whose `missing` is the id of the parent that is missing, or
    that leads back to where it came from (`is_circle`). `row_id` is the `id` of the span, where others have the same
    `span_id`."""

    line: WaterfallLine
    at: int
    missing: str
    is_circle: bool
    row_id: int | None
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
        self._shared = find_shared(spans["span_id"])
        self._span_ids = frozenset(spans["span_id"]) if skeleton.missing_parents["span"] else frozenset()
        self._calls = sum_records(skeleton)
        self._links = dict(zip(skeleton.links["span"], skeleton.links["count"], strict=True))
        self._marks: dict[int, list[tuple[int, int]]] = {}
        for at, when, kind in zip(*(skeleton.marks[name] for name in ("span", "at_ns", "kind")), strict=True):
            self._marks.setdefault(at, []).append((when, kind))

    def write(self, line: WaterfallLine) -> WaterfallRow:
        """Return the row of a line."""
        at, spans, texts = line.at, self._spans, self._skeleton.texts
        start, length = spans["start_ns"][at], spans["duration_ns"][at]
        told = self._calls.get(at, NOTHING)
        level = spans["depth"][at] + (line.is_orphan and not line.missing)
        return WaterfallRow(
            line=line,
            at=at,
            missing=line.missing,
            is_circle=line.missing in self._span_ids,
            row_id=spans["id"][at] if spans["span_id"][at] in self._shared else None,
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
            cost=format_cost(told.cost_usd, told.unpriced),
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


def find_shared(span_ids: Sequence[str]) -> set[str]:
    """Return the ids that several spans have."""
    if len(set(span_ids)) == len(span_ids):
        return set()
    return {id for id, count in Counter(span_ids).items() if count > 1}


_SECOND, _MINUTE, _HOUR = 10**9, 60 * 10**9, 3600 * 10**9
_LONG_STEPS = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12, 24)),
)


def make_ticks(whole_ns: int, most: int = 6) -> list[tuple[str, str]]:
    """Return the places and texts of the ticks of a ruler over a length of time: round numbers of a unit."""
    least = max(1, -(-whole_ns // most))
    power = 10 ** (len(str(least)) - 1)
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    if least > 30 * _SECOND:
        step = next((one for one in _LONG_STEPS if one >= least), step)
    places = range(0, int(whole_ns * 0.96) + 1, step)
    return [(f"{at / whole_ns:.3%}", format_ms(at / 1e6) or "") for at in places]
