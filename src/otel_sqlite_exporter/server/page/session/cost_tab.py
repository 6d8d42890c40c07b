# SPDX-License-Identifier: Apache-2.0
"""What a session cost: each call with its context, what of that came from a cache, and sums by model and agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, SessionSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.record_answers import sum_usage
from otel_sqlite_exporter.server.page.page_links import link_call
from otel_sqlite_exporter.server.page.session.lane_chart import shorten_name

CALLS_OF_A_PAGE = 1_000
_COLUMNS = (
    *("id", "start_time_unix_nano", "model", "name", "agent_name", "status", "is_aggregate", "duration_ms"),
    *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_creation_input_tokens"),
    *("reasoning_tokens", "cost_usd", "cost_status", "is_unpriced", "price_source", "price_date"),
)


class CallCost(NamedTuple):
    """A call with its context: the parts of its input, and the places of their bars in percent.

    Attributes:
        new: The tokens of the input that are neither from a cache nor written to one.
        is_rebuilt: Less came from the cache than in the call before, although the context grew.
        parts: The parts that are not empty: kind, place and width.
    """

    call: LLMInteractionSummary
    name: str
    agent: str | None
    link: str
    offset_ms: float
    new: int
    is_rebuilt: bool
    parts: Sequence[tuple[str, str, str]]


def read_cost_tab(backend: ApiBackend, session: SessionSummary, arguments: Arguments) -> Mapping[str, Any]:
    """Return what the session cost: the first 1,000 calls that count, and sums over all."""
    calls: Page[LLMInteractionSummary] = backend.file.read(
        find_page,
        LLM_INTERACTIONS,
        {"session_id": session.session_id, "counted": True},
        CALLS_OF_A_PAGE,
        None,
        False,
        columns=_COLUMNS,
    )
    sums = {
        group: sum_usage(backend, {"id": session.session_id, "group_by": [group]}).data for group in ("model", "agent")
    }
    prices = {(call.price_source, call.price_date) for call in calls if call.price_source is not None}
    return {
        "calls": calls,
        "costs": list_costs(calls.records, session.start_time_unix_nano),
        "sums": sums,
        "prices": sorted(prices, key=str),
    }


def list_costs(calls: Sequence[LLMInteractionSummary], start_unix_nano: int) -> list[CallCost]:
    """Return calls with their contexts, in order. Calls of one model and one agent are compared with each other."""
    largest = max((call.input_tokens or 0 for call in calls), default=0) or 1
    before: dict[tuple[str | None, str | None], LLMInteractionSummary] = {}
    costs = []
    for call in calls:
        cached, created = call.cached_input_tokens or 0, call.cache_creation_input_tokens or 0
        new = max((call.input_tokens or 0) - cached - created, 0)
        parts = {"cached": cached, "created": created, "new": new}
        costs.append(
            CallCost(
                call=call,
                name=shorten_name(call.model or call.name),
                agent=shorten_name(call.agent_name) if call.agent_name else None,
                link=link_call(call.id),
                offset_ms=(call.start_time_unix_nano - start_unix_nano) / 1e6,
                new=new,
                is_rebuilt=_is_rebuilt(before.get((call.model, call.agent_name)), call),
                parts=[*_place_parts(parts, largest)],
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


def _place_parts(parts: Mapping[str, int], largest: int) -> Iterator[tuple[str, str, str]]:
    x = 0.0
    for kind, tokens in parts.items():
        width = min(tokens / largest * 100, 100 - x)
        if tokens:
            yield kind, f"{x:.2f}%", f"{width:.2f}%"
        x += width
