# SPDX-License-Identifier: Apache-2.0
"""What is inside what, of spans or of calls, without a list of what is around each: such lists grow with the square of
a trace's depth. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

_Node = TypeVar("_Node", bound=Hashable)


class Nesting(Generic[_Node]):
    """A graph of pairs of an outer and an inner node. It is a forest as a rule: then each question takes one
    comparison, and else one for each pair that does not fit into a forest (a second parent, or a ring).

    `positions` numbers the nodes: those inside a node follow it without a gap.
    """

    def __init__(self, pairs: Iterable[tuple[_Node, _Node]]) -> None:
        below: dict[_Node, list[_Node]] = {}
        has_outer: set[_Node] = set()
        for outer, inner in pairs:
            below.setdefault(outer, []).append(inner)
            has_outer.add(inner)
        self.positions: dict[_Node, int] = {}
        self._ends: dict[_Node, int] = {}
        self._others: list[tuple[_Node, _Node]] = []
        # What no root reaches is in a ring, or below one.
        for node in (*(outer for outer in below if outer not in has_outer), *below):
            if node not in self.positions:
                self._place(node, below)

    def _place(self, root: _Node, below: dict[_Node, list[_Node]]) -> None:
        self.positions[root] = len(self.positions)
        waiting: list[tuple[_Node, Iterator[_Node]]] = [(root, iter(below.get(root, ())))]
        while waiting:
            node, inners = waiting[-1]
            for inner in inners:
                if inner not in self.positions:
                    self.positions[inner] = len(self.positions)
                    waiting.append((inner, iter(below.get(inner, ()))))
                    break
                self._others.append((node, inner))
            else:
                waiting.pop()
                self._ends[node] = len(self.positions)

    def find_ranges(self, outer: _Node) -> list[tuple[int, int]]:
        """Return where the nodes inside a node are: ranges (first, end) of positions, which may overlap. A node is
        inside itself only in a ring."""
        if outer not in self.positions:
            return []
        ranges = [(self.positions[outer] + 1, self._ends[outer])]
        if self._others:
            self._follow_others(ranges)
        return ranges

    def _follow_others(self, ranges: list[tuple[int, int]]) -> None:
        first, end = ranges[0]
        waiting, followed = [(first - 1, end)], set[_Node]()
        while waiting:
            first, end = waiting.pop()
            for outer, inner in self._others:
                if first <= self.positions[outer] < end and inner not in followed:
                    followed.add(inner)
                    ranges.append((self.positions[inner], self._ends[inner]))
                    waiting.append(ranges[-1])

    def sort(self, nodes: Iterable[_Node]) -> list[_Node]:
        """Return those of some nodes that are in pairs, by their positions."""
        return sorted((node for node in nodes if node in self.positions), key=self.positions.__getitem__)

    def find_inside(self, outer: _Node, among: Sequence[_Node]) -> Iterator[_Node]:
        """Yield those of some nodes (see `sort`) that are inside a node, once each unless it has several outer ones."""
        for first, end in self.find_ranges(outer):
            start = bisect_left(among, first, key=self.positions.__getitem__)
            for index in range(start, len(among)):
                if self.positions[among[index]] >= end:
                    break
                yield among[index]

    def is_inside(self, outer: _Node, inner: _Node) -> bool:
        """Return whether a node is inside another, at any depth."""
        position = self.positions.get(inner, -1)
        return any(first <= position < end for first, end in self.find_ranges(outer))

    def find_rings(self) -> list[list[_Node]]:
        """Return the nodes that are inside each other, ring by ring."""
        rings: list[list[_Node]] = []
        for node in self.positions if self._others else ():
            if self.is_inside(node, node):
                around = (ring for ring in rings if self.is_inside(node, ring[0]) and self.is_inside(ring[0], node))
                found = next(around, None)
                if found is None:
                    rings.append([node])
                else:
                    found.append(node)
        return rings
