# SPDX-License-Identifier: Apache-2.0
"""What a session cost: each call with its context, what of that came from a cache, and sums by model and agent."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.session_parts.session_usage import read_usage
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SessionSummary
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.charts.chart_values import Stack
from otel_sqlite_exporter.server.page.charts.svg_bars import make_stacked_bars
from otel_sqlite_exporter.server.page.page_links import link_call
from otel_sqlite_exporter.server.page.session.lane_chart import shorten_name
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.units import format_ms, format_tokens

CALLS_OF_A_PAGE = 1_000
_LEAST_COLUMNS = 2
_PARTS = ("from a cache", "written to a cache", "new")
"""The parts of the input of a call."""
_COLUMNS = (
    *("id", "start_time_unix_nano", "model", "name", "agent_name", "status", "is_aggregate", "duration_ms"),
    *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_creation_input_tokens"),
    *("reasoning_tokens", "cost_usd", "cost_status", "is_unpriced", "price_source", "price_date"),
)


class ShownCost(NamedTuple):
    """A call with its context: the parts of its input, and the places of their bars in percent.

    Attributes:
        new: The tokens of the input that are neither from a cache nor written to one.
        is_rebuilt: Less came from the cache than in the call before, although the context grew.
        sizes: The parts that are not empty, by name.
        parts: Their names, places and widths.
    """

    call: LLMInteractionSummary
    name: str
    agent: str | None
    link: str
    offset_ms: float
    new: int
    is_rebuilt: bool
    sizes: Mapping[str, int]
    parts: Sequence[tuple[str, str, str]]


def read_cost_tab(connection: sqlite3.Connection, session: SessionSummary, arguments: Arguments) -> Mapping[str, Any]:
    """Return what the session cost: the first 1,000 calls that count, and sums over all."""
    filters = {"session_id": session.session_id, "counted": True}
    calls = find_page(connection, LLM_INTERACTIONS, filters, CALLS_OF_A_PAGE, None, False, columns=_COLUMNS)
    sums = {group: read_usage(connection, session.session_id, [group]).rows for group in ("model", "agent")}
    prices = Counter((call.cost_status, call.price_source, call.price_date) for call in calls)
    costs = list_costs(calls.records, session.start_time_unix_nano)
    return {
        "calls": calls,
        "costs": costs,
        "series": _number_series(costs),
        "chart": draw_contexts(costs),
        "sums": sums,
        "is_last": True,
        "prices": sorted(prices.items(), key=str),
    }


def draw_contexts(costs: Sequence[ShownCost]) -> Html | None:
    """Return the chart of the contexts of calls over the session; None: fewer than two report their input."""
    told = [cost for cost in costs if cost.call.input_tokens is not None]
    if len(told) < _LEAST_COLUMNS:
        return None
    stacks = [Stack(f"+{format_ms(cost.offset_ms)}", cost.sizes) for cost in told]
    caption = "Context of each call over the session: its input tokens"
    return make_stacked_bars(stacks, caption=caption, format=_write_tokens, with_numbers=False)


def _number_series(costs: Sequence[ShownCost]) -> Mapping[str, int]:
    """Return the numbers of the colours that the chart gives to the parts: the largest is the first."""
    sums = Counter[str]()
    for cost in costs:
        sums.update(cost.sizes)
    return {name: number for number, (name, _) in enumerate(sums.most_common(), 1)}


def _write_tokens(tokens: float) -> str:
    return format_tokens(round(tokens)) or ""


def list_costs(calls: Sequence[LLMInteractionSummary], start_unix_nano: int) -> list[ShownCost]:
    """Return calls with their contexts, in order. Calls of one model and one agent are compared with each other."""
    largest = max((call.input_tokens or 0 for call in calls), default=0) or 1
    before: dict[tuple[str | None, str | None], LLMInteractionSummary] = {}
    costs = []
    for call in calls:
        cached, created = call.cached_input_tokens or 0, call.cache_creation_input_tokens or 0
        new = max((call.input_tokens or 0) - cached - created, 0)
        sizes = {name: size for name, size in zip(_PARTS, (cached, created, new), strict=True) if size}
        costs.append(
            ShownCost(
                call=call,
                name=shorten_name(call.model or call.name),
                agent=shorten_name(call.agent_name) if call.agent_name else None,
                link=link_call(call.id),
                offset_ms=(call.start_time_unix_nano - start_unix_nano) / 1e6,
                new=new,
                is_rebuilt=_is_rebuilt(before.get((call.model, call.agent_name)), call),
                sizes=sizes,
                parts=[*_place_parts(sizes, largest)],
            )
        )
        if call.input_tokens is not None:
            before[call.model, call.agent_name] = call
    return costs


def _is_rebuilt(before: LLMInteractionSummary | None, call: LLMInteractionSummary) -> bool:
    if before is None or before.cached_input_tokens is None or call.input_tokens is None:
        return False
    has_grown = call.input_tokens > (before.input_tokens or 0)
    return has_grown and (call.cached_input_tokens or 0) < before.cached_input_tokens


def _place_parts(sizes: Mapping[str, int], largest: int) -> Iterator[tuple[str, str, str]]:
    x = 0.0
    for name, tokens in sizes.items():
        width = min(tokens / largest * 100, 100 - x)
        yield name, f"{x:.2f}%", f"{width:.2f}%"
        x += width
