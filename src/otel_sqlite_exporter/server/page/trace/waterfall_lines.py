# SPDX-License-Identifier: Apache-2.0
"""Which lines a waterfall has: spans, folded spans, repeats, and headings over spans whose parent is missing. The same
rules are in `waterfall.js`, which folds without asking the server."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

from otel_sqlite_exporter.query.skeletons.span_places import find_ends
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton

_ALIKE = ("name", "service", "role", "status")
FEWEST_REPEATS = 3
"""So many alike spans one after the other are folded into one line."""


class WaterfallLine(NamedTuple):
    """One line.

    Attributes:
        at: The position of its span; of a heading: that of the first span below it.
        spans: The number of spans that it stands for; more than 1: alike siblings.
        below: The number of spans that are folded into it.
        failed: The number of those that failed.
        missing: The id of the missing parent, in a heading; else empty.
        is_orphan: It is below such a heading.
    """

    at: int
    spans: int = 1
    below: int = 0
    failed: int = 0
    missing: str = ""
    is_orphan: bool = False


class FoldingRules(NamedTuple):
    """What is folded: spans at the level `deepest` and further down, and repeats. Only spans in `kept`, if given, and
    those above them are shown."""

    deepest: int | None = None
    repeats: bool = False
    kept: Set[int] | None = None


def list_lines(skeleton: TraceSkeleton, rules: FoldingRules) -> Iterator[WaterfallLine]:
    """Yield the lines of a trace: the spans of the tree, and then those whose parent is missing, by their parents."""
    lister = _LineLister(skeleton, rules)
    orphans = dict(zip(skeleton.missing_parents["span"], skeleton.missing_parents["span_id"], strict=True))
    at = 0
    while at < len(skeleton):
        if at not in orphans:
            yield from lister.list_part(at, lister.ends[at], is_orphan=False)
        at = lister.ends[at]
    groups: dict[str, list[int]] = {}
    for at, missing in orphans.items():
        groups.setdefault(missing, []).append(at)
    for missing, roots in groups.items():
        lines = [line for at in roots for line in lister.list_part(at, lister.ends[at], is_orphan=True)]
        if lines:
            below = sum(lister.ends[at] - at for at in roots)
            yield WaterfallLine(roots[0], len(roots), below, 0, missing, is_orphan=True)
            yield from lines


class _LineLister:
    def __init__(self, skeleton: TraceSkeleton, rules: FoldingRules) -> None:
        self.ends = find_ends(skeleton.spans["depth"])
        self._spans, self._rules = skeleton.spans, rules
        self._failed = [0]
        for status in skeleton.spans["status"]:
            self._failed.append(self._failed[-1] + (status == 1))
        self._shown = None if rules.kept is None else self._add_above(rules.kept)

    def list_part(self, at: int, end: int, *, is_orphan: bool) -> Iterator[WaterfallLine]:
        """Yield the lines of the spans from `at` until before `end`."""
        while at < end:
            if self._shown is not None and at not in self._shown:
                at = self.ends[at]
                continue
            after, spans = self._find_repeats(at, end)
            is_folded = spans > 1 or (
                self._rules.deepest is not None and self._spans["depth"][at] >= self._rules.deepest
            )
            if is_folded:
                failed = self._failed[after] - self._failed[at + 1]
                yield WaterfallLine(at, spans, after - at - spans, failed, is_orphan=is_orphan)
            else:
                yield WaterfallLine(at, is_orphan=is_orphan)
            at = after if is_folded else at + 1

    def _find_repeats(self, at: int, end: int) -> tuple[int, int]:
        """Return the position after the alike siblings that begin at `at`, and how many they are."""
        after, spans = self.ends[at], 1
        if not self._rules.repeats or self._shown is not None:
            return after, spans
        while after < end and self._spans["depth"][after] == self._spans["depth"][at] and self._are_alike(at, after):
            after, spans = self.ends[after], spans + 1
        return (after, spans) if spans >= FEWEST_REPEATS else (self.ends[at], 1)

    def _are_alike(self, a: int, b: int) -> bool:
        return all(self._spans[name][a] == self._spans[name][b] for name in _ALIKE)

    def _add_above(self, kept: Set[int]) -> set[int]:
        shown: set[int] = set()
        for at in kept:
            above: int | None = at
            while above is not None and above not in shown:
                shown.add(above)
                above = self._spans["parent"][above]
        return shown
