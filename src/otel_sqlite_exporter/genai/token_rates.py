# SPDX-License-Identifier: Apache-2.0
"""What a token costs: the prices of a model as whole numbers, so that a call is priced in 1 us instead of 100. Pure.

genai-prices checks each price and each usage again for each call. For usage that adds up, and below the first tier of
its prices, the price is a sum of products; this module has the factors from genai-prices itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.caches import remember

_DIGITS = 24
_UNIT: int = 10**_DIGITS
_PROBES: tuple[dict[str, int], ...] = (
    {"input_tokens": 0},
    {"input_tokens": 1},
    {"output_tokens": 1},
    {"input_tokens": 1, "cache_read_tokens": 1},
    {"input_tokens": 1, "cache_write_tokens": 1},
    {"output_tokens": 1, "output_reasoning_tokens": 1},
)
_rates: dict[int, tuple[Any, TokenRates | None]] = {}


class TokenRates(NamedTuple):
    """Prices in 10^-24 US dollars: of a request, and of a token of each kind. `most_input` is the number of input
    tokens up to which they are the same; None: there is no such number."""

    most_input: int | None
    request: int
    input: int
    output: int
    cached: int
    created: int
    reasoning: int

    def price(
        self,
        input_tokens: int | None,
        output_tokens: int | None,
        cached: int | None,
        created: int | None,
        reasoning: int | None,
    ) -> float | None:
        """Return the price in US dollars, or None if genai-prices must tell it: a number is not known whose parts are,
        the parts are more than the whole, or a higher tier may apply."""
        if cached is created is reasoning is None and self.most_input is None:  # most calls
            fresh, answer = input_tokens or 0, output_tokens or 0
            total = self.request + self.input * fresh + self.output * answer
            return None if fresh < 0 or answer < 0 else total / _UNIT
        if (input_tokens is None and (cached is not None or created is not None)) or (
            output_tokens is None and reasoning is not None
        ):
            return None
        cached, created, reasoning = cached or 0, created or 0, reasoning or 0
        fresh, answer = (input_tokens or 0) - cached - created, (output_tokens or 0) - reasoning
        if fresh < 0 or answer < 0 or min(cached, created, reasoning) < 0:
            return None
        if self.most_input is not None and (input_tokens or 0) > self.most_input:
            return None
        total = self.request + self.input * fresh + self.output * answer
        total += self.cached * cached + self.created * created + self.reasoning * reasoning
        return total / _UNIT


def find_rates(model_price: Any, make_usage: Callable[..., Any]) -> TokenRates | None:
    """Return the rates of a `ModelPrice` of genai-prices, or None if it cannot be told by these. `make_usage` is its
    class `Usage`."""
    entry = _rates.get(id(model_price))
    if entry is None or entry[0] is not model_price:
        entry = (model_price, _read_rates(model_price, make_usage))
        remember(_rates, id(model_price), entry)
    return entry[1]


def _read_rates(model_price: Any, make_usage: Callable[..., Any]) -> TokenRates | None:
    starts = [tier.start for price in vars(model_price).values() for tier in getattr(price, "tiers", ())]
    try:
        base, *others = (model_price.calc_price(make_usage(**probe))["total_price"] for probe in _PROBES)
    except Exception:  # a price without which genai-prices cannot tell these
        return None
    rates = [rate.scaleb(_DIGITS) for rate in (base, *(other - base for other in others))]
    if any(rate != int(rate) for rate in rates):
        return None
    return TokenRates(min(starts, default=None), *map(int, rates))
