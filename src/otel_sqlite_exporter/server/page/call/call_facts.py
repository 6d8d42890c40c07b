# SPDX-License-Identifier: Apache-2.0
"""The facts of a model call in words: how long, how many tokens, what it cost and how that is known, why it counts."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.genai.prices import INSTALL, is_installed
from otel_sqlite_exporter.query.calls.call_standing import CallStanding
from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms, format_number
from otel_sqlite_exporter.storage.identity import name_command

Facts = tuple[tuple[str, str | None], ...]
_STANDINGS = {
    "twin": "Does not count: the same call was recorded twice, and the other record counts for both.",
    "below": "Does not count: it repeats the usage of the calls inside it, which count.",
    "above": "Does not count: the call around it reports the same usage, and counts.",
    "elsewhere": "Does not count: other calls of its session report its usage, and count.",
}


class StandingText(NamedTuple):
    """Why a call counts or not.

    Attributes:
        others: Ids of calls to lead to.
        about: What these are, in front of them.
    """

    sentence: str
    about: str
    others: tuple[int, ...]
    is_counted: bool = True


def describe_models(call: LLMInteractionSummary) -> Facts:
    """Return what was asked and who answered."""
    finished = decode_json(call.finish_reasons)
    return (
        ("asked for", call.request_model),
        ("answered by", call.response_model),
        ("provider", call.provider),
        ("operation", call.operation),
        ("finished", ", ".join(map(str, finished)) if isinstance(finished, list) else call.finish_reasons),
        ("response", call.response_id),
    )


def describe_times(call: LLMInteractionSummary) -> Facts:
    """Return how long it took. Tokens a second are those after the first token, if its time is known."""
    duration_ms, first_ms = call.duration_ms, call.time_to_first_token_ms
    speed = None
    if call.output_tokens and duration_ms is not None and duration_ms > (first_ms or 0):
        a_second = call.output_tokens / (duration_ms - (first_ms or 0)) * 1000
        speed = format_number(a_second, 3) if a_second < 1000 else format_count(round(a_second))
    return (
        ("duration", format_ms(duration_ms)),
        ("first token after", format_ms(first_ms)),
        ("tokens a second", speed),
    )


def describe_tokens(call: LLMInteractionSummary) -> Facts:
    """Return the numbers of tokens that were reported."""
    numbers = (
        ("input", call.input_tokens),
        ("of these cached", call.cached_input_tokens),
        ("written to the cache", call.cache_creation_input_tokens),
        ("output", call.output_tokens),
        ("of these reasoning", call.reasoning_tokens),
        ("total", call.total_tokens),
    )
    return tuple((name, None if number is None else format_count(number)) for name, number in numbers)


def describe_cost(call: LLMInteractionSummary, path: str) -> tuple[str | None, str]:
    """Return the cost of a call in the file at `path`, and how it is known or why it is not."""
    prices = f"the prices of {call.price_source}" if call.price_source else "the prices of the model"
    dated = f", computed on {call.price_date}" if call.price_date else ""
    reasons = {
        "reported": "recorded by the instrumentation",
        "exact": f"{prices}{dated}",
        "partial": f"at least this: a part of the usage is unknown or has no price; {prices}{dated}",
        "unpriced": "not known: no price for this provider, model or kind of tokens",
        None: _explain_lack(call, path),
    }
    if call.cost_usd is None and call.status == "error" and not call.is_unpriced:
        return None, "nothing: it failed, and reports no tokens"
    cost = format_cost(call.cost_usd, call.is_unpriced)
    return (None if cost is None else f"${cost}"), reasons.get(call.cost_status, "")


def _explain_lack(call: LLMInteractionSummary, path: str) -> str:
    """Return why no cost was computed, and what to do."""
    if call.status == "running":
        return "not known while it runs"
    reprice = name_command("reprice", path)
    if not is_installed():
        return f"not computed: run {INSTALL}, then {reprice}"
    return f"not computed when it was written: run {reprice}"


def describe_standing(call: LLMInteractionSummary, standing: CallStanding) -> StandingText:
    """Return why it counts or not, with the calls that this is about."""
    if standing.reason != "counted":
        about = "Counted instead:" if standing.others else ""
        return StandingText(_STANDINGS[standing.reason], about, standing.others, is_counted=False)
    about = "The same call was also recorded as:" if standing.others else ""
    if all(number is None for number in (call.input_tokens, call.output_tokens, call.total_tokens)):
        return StandingText("Counts as a call, and adds no tokens, as none were reported.", about, standing.others)
    if call.is_aggregate:
        return StandingText("Counts: nothing inside it reports usage.", about, standing.others)
    return StandingText("Counts: its tokens and its cost are in all sums.", about, standing.others)
