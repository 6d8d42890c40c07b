# SPDX-License-Identifier: Apache-2.0
"""What calls cost: by what instrumentation reports, else by the prices of the real genai-prices."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter.genai.prices import _PROVIDERS, PricedCall, find_price, load_prices
from tests.commands import run, run_here
from tests.conftest import exporting, make_spans, read

MINI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1_000_000,
    "gen_ai.usage.output_tokens": 100_000,
}
_COSTS = "SELECT name, cost_usd, cost_status FROM complete_llm_interactions ORDER BY name"


def _export(path: Path, **calls: dict[str, Any]) -> None:
    with exporting(path, cost="off") as exporter:
        for name, attributes in calls.items():
            exporter.export(make_spans(name, attributes=attributes))


def test_calls_cost_what_their_tokens_cost_on_that_day(path: Path) -> None:
    """Prices of gpt-4o-mini for a million tokens, of openai.com: 0.15 in, 0.075 of these from the cache, 0.60 out."""
    _export(
        path,
        whole=MINI,
        cached=MINI | {"gen_ai.usage.cache_read.input_tokens": 400_000},
        no_output={name: value for name, value in MINI.items() if "output" not in name},
        embeddings={
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "text-embedding-3-small",
            "gen_ai.usage.input_tokens": 1_000_000,
        },
    )
    assert read(path, _COSTS) == [(name, None, None) for name in ("cached", "embeddings", "no_output", "whole")]
    code, output, _ = run("reprice", path)
    assert (code, "now: 3 exact, 1 partial, 0 unpriced, 0 reported" in output) == (0, True)
    assert read(path, _COSTS) == [
        ("cached", pytest.approx(0.18), "exact"),
        ("embeddings", pytest.approx(0.02), "exact"),
        ("no_output", pytest.approx(0.15), "partial"),
        ("whole", pytest.approx(0.21), "exact"),
    ]
    assert read(path, "SELECT sum(cost_usd) FROM traces") == [(pytest.approx(0.56),)]
    assert read(path, "SELECT count(*) FROM complete_llm_interactions WHERE price_source LIKE 'genai-prices %'") == [
        (4,)
    ]
    assert read(path, "SELECT count(*) FROM complete_llm_interactions WHERE price_date = date('now')") == [(4,)]


@pytest.mark.parametrize(
    "changes",
    [
        {"gen_ai.request.model": "nobody-knows-this"},
        {"gen_ai.provider.name": "nobody-knows-this"},
        {"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None},
        {"gen_ai.request.model": None},
    ],
)
def test_there_is_no_default_price(path: Path, changes: dict[str, Any]) -> None:
    _export(path, call={name: value for name, value in (MINI | changes).items() if value is not None})
    run_here("reprice", path)
    assert read(path, _COSTS) == [("call", None, "unpriced")]


@pytest.mark.slow
def test_a_second_run_looks_at_nothing_and_all_looks_at_everything_again(path: Path) -> None:
    _export(path, one=MINI, two=MINI)
    first = json.loads(run("reprice", "--json", path)[1])
    assert (first["calls"], first["changed"]) == (2, 2)
    again = json.loads(run("reprice", "--json", path)[1])
    assert (again["calls"], again["changed"], again["exact"]) == (0, 0, 2)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _llm_interactions SET cost_usd = 99 WHERE id = 1")
    everything = json.loads(run("reprice", "--all", "--json", path)[1])
    assert (everything["calls"], everything["changed"]) == (2, 1)
    assert read(path, "SELECT DISTINCT round(cost_usd, 6) FROM complete_llm_interactions") == [(0.21,)]


def test_what_was_reported_stays(path: Path) -> None:
    _export(path, call=MINI)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _llm_interactions SET cost_usd = 7, cost_status = 'reported'")
    code, output, _ = run("reprice", "--all", path)
    assert (code, "checked 0 calls" in output, "1 reported" in output) == (0, True, True)
    assert read(path, _COSTS) == [("call", 7.0, "reported")]


def test_many_calls_are_priced_in_batches(path: Path) -> None:
    with exporting(path, cost="off") as exporter:
        exporter.export(make_spans(*map(str, range(1201)), attributes=MINI))
    assert json.loads(run("reprice", "--json", path)[1])["exact"] == 1201


def test_without_the_package_the_command_says_which_one_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _export(path, call=MINI)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    load_prices.cache_clear()
    done = run_here("reprice", path)
    load_prices.cache_clear()
    assert done.exit_code == 2
    assert "pip install 'otel-sqlite-exporter[cost]'" in done.stderr


def test_every_provider_that_is_renamed_has_prices() -> None:
    assert set(_PROVIDERS.values()) <= {provider.id for provider in get_snapshot().providers}


_TOKENS = st.none() | st.integers(0, 2**63 - 1)


@given(
    call=st.builds(
        PricedCall,
        provider=st.none() | st.sampled_from(["openai", "anthropic", "litellm"]) | st.text(),
        request_model=st.none() | st.sampled_from(["gpt-4o-mini", "claude-sonnet-4-5"]) | st.text(),
        response_model=st.none() | st.text(),
        operation=st.none() | st.just("embeddings"),
        start_time_unix_nano=st.integers(0, 2**63 - 1),
        input_tokens=_TOKENS,
        output_tokens=_TOKENS,
        cached_input_tokens=_TOKENS,
        cache_creation_input_tokens=_TOKENS,
        reasoning_tokens=_TOKENS,
    )
)
def test_no_call_makes_pricing_raise(call: PricedCall) -> None:
    price = find_price(call)
    assert (price.cost_usd is None) == (price.cost_status == "unpriced")
    assert price.cost_usd is None or price.cost_usd >= 0
