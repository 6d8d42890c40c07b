# SPDX-License-Identifier: Apache-2.0
"""The part of a waterfall that one page shows without scripts. It is read when the template comes to it, as the head of
a page is asked for alone while a trace is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from otel_sqlite_exporter.query.skeletons.span_search import find_matches
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.trace.trace_services import ServiceSums, sum_services
from otel_sqlite_exporter.server.page.trace.waterfall_lines import FoldingRules, WaterfallLine, list_lines
from otel_sqlite_exporter.server.page.trace.waterfall_rows import RowWriter, WaterfallRow, make_ticks

MOST_ROWS, PAGE_ROWS = 1_000, 250
"""The most rows of a waterfall that are shown whole, and the rows of a page of a larger one. A script shows all."""


class WaterfallView:
    """What is asked of the waterfall of one trace.

    Attributes:
        query: What is searched for; empty: nothing.
        first: The number of lines before the page.
    """

    def __init__(self, backend: ApiBackend, trace_id: str, arguments: Arguments) -> None:
        self._backend, self._trace_id, self._arguments = backend, trace_id, arguments
        self.query: str = arguments.get("q", "").strip()
        self.first: int = arguments["from"]

    @cached_property
    def _skeleton(self) -> TraceSkeleton:
        return self._backend.read_skeleton(self._trace_id)

    @cached_property
    def matches(self) -> Sequence[int]:
        """The positions of the spans that are found."""
        return find_matches(self._skeleton, self.query)

    @cached_property
    def lines(self) -> Sequence[WaterfallLine]:
        """All lines."""
        kept = frozenset(self.matches) if self.query else None
        asked = self._arguments
        return [*list_lines(self._skeleton, FoldingRules(asked.get("depth"), asked.get("repeats", False), kept))]

    @property
    def _most(self) -> int:
        return MOST_ROWS if len(self.lines) <= MOST_ROWS else PAGE_ROWS

    @cached_property
    def _writer(self) -> RowWriter:
        return RowWriter(self._skeleton, self.matches)

    def list_rows(self) -> Iterator[WaterfallRow]:
        """Yield the rows of the page."""
        return map(self._writer.write, self.lines[self.first : self.first + self._most])

    @property
    def before(self) -> int | None:
        """Where the page before begins; None: there is none."""
        return max(0, min(self.first, len(self.lines)) - self._most) if self.first else None

    @property
    def after(self) -> int:
        """The number of lines up to the end of the page."""
        return min(len(self.lines), self.first + self._most)

    @property
    def ticks(self) -> Sequence[tuple[str, str]]:
        """The places and texts of the ruler."""
        return make_ticks(self._writer.whole_ns)

    @property
    def levels(self) -> int:
        """The number of levels of the tree."""
        return max(self._skeleton.spans["depth"], default=0) + 1

    @cached_property
    def services(self) -> Sequence[ServiceSums]:
        """What each service did."""
        return sum_services(self._skeleton)

    @property
    def has_calls(self) -> bool:
        """Whether any span recorded a model call."""
        return bool(self._skeleton.llm_interactions["id"])

    @property
    def kept(self) -> Mapping[str, Any]:
        """The arguments of a link to another page or span of the same view."""
        asked = self._arguments
        folded = {"depth": asked.get("depth"), "repeats": asked.get("repeats")}
        return {"q": self.query or None, **folded, "from_": self.first or None}
