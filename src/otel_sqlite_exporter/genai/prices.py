# SPDX-License-Identifier: Apache-2.0
"""Computes the cost of model calls with the prices of the package genai-prices. Pure.

The prices are those that this package ships, in force on the day of the call; nothing is fetched. There is no default
price: where provider, model or tokens are not known, there is no cost.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError

# Where genai-prices has another word for the provider that OpenTelemetry's conventions name.
_PROVIDERS = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}
_WHOLE = ("input_tokens", "output_tokens")


class PricedCall(NamedTuple):
    """The values that a call is priced by. Tokens as in `complete_llm_interactions`; the time is in nanoseconds since
    the epoch."""

    id: int
    provider: str | None
    request_model: str | None
    response_model: str | None
    operation: str | None
    start_time_unix_nano: int
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    cache_creation_input_tokens: int | None
    reasoning_tokens: int | None


class Price(NamedTuple):
    """`cost_status` is `exact`; `partial` where part of the usage is not known or has no price, so the call cost at
    least `cost_usd`; or `unpriced`, and then there is no cost."""

    cost_usd: float | None
    cost_status: str


UNPRICED = Price(None, "unpriced")


@cache
def load_prices() -> ModuleType:
    """Return the package genai-prices.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        import genai_prices
    except ImportError as error:
        raise MissingPackageError(
            "prices are those of the package genai-prices, which is not installed: "
            "run `pip install 'otel-sqlite-exporter[cost]'`"
        ) from error
    return genai_prices


def name_source() -> str:
    """Return which prices `find_price` uses, for the column `price_source`."""
    return f"genai-prices {version('genai-prices')}"


def find_price(call: PricedCall) -> Price:
    """Return what a call cost. Never raises for any values.

    Raises:
        MissingPackageError: genai-prices is not installed.
    """
    prices = load_prices()
    if call.input_tokens is None and call.output_tokens is None:
        return UNPRICED
    is_whole = call.input_tokens is not None and (call.output_tokens is not None or call.operation == "embeddings")
    usage = {
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cache_read_tokens": call.cached_input_tokens,
        "cache_write_tokens": call.cache_creation_input_tokens,
        "output_reasoning_tokens": call.reasoning_tokens,
    }
    reported = {name: tokens for name, tokens in usage.items() if tokens is not None}
    total = _calculate(prices, call, reported)
    if total is None and len(reported) > 2:
        # Parts that are larger than their whole cannot be priced; what is whole can.
        is_whole = False
        total = _calculate(prices, call, {name: reported[name] for name in _WHOLE if name in reported})
    return UNPRICED if total is None else Price(total, "exact" if is_whole else "partial")


def _calculate(prices: ModuleType, call: PricedCall, usage: dict[str, int]) -> float | None:
    provider = None if call.provider is None else _PROVIDERS.get(call.provider, call.provider)
    try:
        when = datetime.fromtimestamp(call.start_time_unix_nano / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    for model in (call.response_model, call.request_model):
        if not model:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a model that is on its way out
                found = prices.calc_price(
                    prices.Usage(**usage), model, provider_id=provider, genai_request_timestamp=when
                )
        except Exception:  # an unknown provider or model, or usage that does not add up
            continue
        return float(found.total_price)
    return None
