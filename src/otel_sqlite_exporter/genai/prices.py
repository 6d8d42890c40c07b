# SPDX-License-Identifier: Apache-2.0
"""Computes the cost of model calls with the prices of the package genai-prices. Pure.

The prices are those that this package ships, in force at the time of the call; nothing is fetched. There is no default
price: where provider, model or tokens are not known, there is no cost.
"""

from __future__ import annotations

import os
import threading
import warnings
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.genai.token_rates import TokenRates, find_rates
from otel_sqlite_exporter.model.values import LARGEST

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
INSTALL = "pip install 'otel-sqlite-exporter[cost]'"
_KEPT_MODELS = 512
_FORK_WAIT_S = 1.0
_loading = threading.RLock()


class PricedCall(NamedTuple):
    """The values that a call is priced by. Tokens as in `complete_llm_interactions`; the time is in nanoseconds since
    the epoch."""

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
    """Return the package genai-prices. Its import takes about 0.2 s. A process that forks waits for it, up to a second:
    a child that is forked in the middle of an import could never import the same modules.

    Raises:
        MissingPackageError: It is not installed.
    """
    with _loading:
        _hold_forks()
        try:
            import genai_prices
        except ImportError as error:
            raise MissingPackageError(
                f"prices are those of the package genai-prices, which is not installed: run `{INSTALL}`"
            ) from error
    return genai_prices


def is_installed() -> bool:
    """Return whether there are prices. They are not loaded."""
    return find_spec("genai_prices") is not None


@cache
def _hold_forks() -> None:
    held: list[bool] = []

    def release() -> None:
        if held and held.pop():  # nothing is held if these hooks came while another thread was forking
            _loading.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lambda: held.append(_loading.acquire(timeout=_FORK_WAIT_S)),
            after_in_parent=release,
            after_in_child=release,
        )


@cache
def name_source() -> str:
    """Return which prices `find_price` uses, for the column `price_source`."""
    return f"genai-prices {version('genai-prices')}"


def find_price(call: PricedCall) -> Price:
    """Return what a call cost. Never raises for any values.

    Raises:
        MissingPackageError: genai-prices is not installed.
    """
    if call.input_tokens is None and call.output_tokens is None:
        return UNPRICED
    is_whole = call.input_tokens is not None and (call.output_tokens is not None or call.operation == "embeddings")
    rates = _find_lasting_rates(call.provider, call.response_model, call.request_model)
    if rates is not None and 0 <= call.start_time_unix_nano <= LARGEST:
        total = rates.price(*call[5:])
        if total is not None:
            return Price(total, "exact" if is_whole else "partial")
    models = _find_models(call.provider, call.response_model, call.request_model)
    try:
        when = datetime.fromtimestamp(call.start_time_unix_nano / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return UNPRICED
    *_, input_tokens, output_tokens, cached, created, reasoning = call
    total = _calculate(models, when, input_tokens, output_tokens, cached, created, reasoning)
    if total is None and (cached is not None or created is not None or reasoning is not None):
        # Parts that are larger than their whole cannot be priced; what is whole can.
        is_whole = False
        total = _calculate(models, when, input_tokens, output_tokens)
    return UNPRICED if total is None else Price(total, "exact" if is_whole else "partial")


@lru_cache(_KEPT_MODELS)
def _find_models(provider: str | None, *names: str | None) -> list[tuple[Any, Any]]:
    """Return the models that genai-prices knows by these names, each with its provider. Looking for a model takes
    0.1 ms to 2 ms."""
    prices = load_prices()
    provider_id = None if provider is None else _PROVIDERS.get(provider, provider)
    found = []
    for name in dict.fromkeys(names):
        if not name:
            continue
        try:
            priced = prices.calc_price(prices.Usage(input_tokens=0), name, provider_id=provider_id)
        except Exception:  # an unknown provider or model
            continue
        found.append((priced.model, priced.provider))
    return found


@lru_cache(_KEPT_MODELS)
def _find_lasting_rates(provider: str | None, *names: str | None) -> TokenRates | None:
    """Return the rates of the first of the models; None: there is none, or they depend on the time of the call."""
    models = _find_models(provider, *names)
    prices = models[0][0].prices if models else []
    return None if isinstance(prices, list) else find_rates(prices, load_prices().Usage)


def _calculate(
    models: list[tuple[Any, Any]],
    when: datetime,
    input_tokens: int | None,
    output_tokens: int | None,
    cached: int | None = None,
    created: int | None = None,
    reasoning: int | None = None,
) -> float | None:
    """Return the price of this usage by the first of these models that has one."""
    usage = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_read_tokens": cached,
        "cache_write_tokens": created,
        "output_reasoning_tokens": reasoning,
    }
    for model, provider in models:
        rates = find_rates(model.get_prices(when), load_prices().Usage)
        total = None if rates is None else rates.price(input_tokens, output_tokens, cached, created, reasoning)
        if total is not None:
            return total
        reported = {name: tokens for name, tokens in usage.items() if tokens is not None}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a model that is on its way out
                priced = model.calc_price(load_prices().Usage(**reported), provider, genai_request_timestamp=when)
        except Exception:  # usage that does not add up
            continue
        return float(priced.total_price)
    return None
