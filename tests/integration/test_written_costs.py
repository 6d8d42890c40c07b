# SPDX-License-Identifier: Apache-2.0
"""Calls are priced as they are written, by whatever writes them, if genai-prices is installed."""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import Event, ReadableSpan

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.genai.prices import PricedCall, find_price, load_prices
from otel_sqlite_exporter.genai.token_rates import find_rates
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run, run_here
from tests.conftest import HANG_S, exporting, make_spans, read
from tests.integration.test_call_twins import Span, _export
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_reprice import MINI

_T = 1_795_000_000_000_000_000
_COSTS = "SELECT name, cost_usd, cost_status, price_source LIKE 'genai-prices %', price_date = date('now')"
_CALLS = f"{_COSTS} FROM complete_llm_interactions ORDER BY name"
_PRICED = (pytest.approx(0.21), "exact", 1, 1)
_NONE = (None,) * 4


def test_a_call_has_a_cost_when_it_is_written(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=MINI))
        exporter.export(make_spans("reported", attributes=MINI | {"gen_ai.usage.cost": 7.0}))
        exporter.export(make_spans("unknown", attributes=MINI | {"gen_ai.request.model": "nobody-knows-this"}))
    assert read(path, _CALLS) == [
        ("call", *_PRICED),
        ("reported", 7.0, "reported", None, None),
        ("unknown", None, "unpriced", 1, 1),
    ]
    assert "checked 0 calls" in run_here("reprice", path).stdout


def test_the_setting_off_writes_no_cost(path: Path) -> None:
    with exporting(path, cost="off") as exporter:
        exporter.export(make_spans("call", attributes=MINI))
    assert read(path, _CALLS) == [("call", *_NONE)]


def test_without_the_package_calls_are_written_without_a_cost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    load_prices.cache_clear()
    try:
        with exporting(path) as exporter:
            assert exporter.export(make_spans("call", attributes=MINI)).name == "SUCCESS"
    finally:
        load_prices.cache_clear()
    assert read(path, _CALLS) == [("call", *_NONE)]


def test_doctor_says_how_calls_get_a_cost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path, cost="off") as exporter:
        exporter.export(make_spans("one", "two", attributes=MINI))
        exporter.export(make_spans("no tokens", attributes={"gen_ai.operation.name": "chat"}))
    (found,) = (one for one in diagnose(resolve_settings(path)) if one.check == "cost")
    assert (found.severity, found.what) == ("note", "2 calls have tokens and no cost")
    assert found.remedy == f"run `python -m otel_sqlite_exporter reprice {path}`"
    monkeypatch.setattr("otel_sqlite_exporter.maintain.doctor.is_installed", lambda: False)
    (found,) = (one for one in diagnose(resolve_settings(path)) if one.check == "cost")
    assert found.remedy.startswith("run `pip install 'otel-sqlite-exporter[cost]'`: ")
    monkeypatch.undo()
    run_here("reprice", path)
    assert [one for one in diagnose(resolve_settings(path)) if one.check == "cost"] == []


def test_an_import_prices_calls(path: Path, tmp_path: Path) -> None:
    attributes = [
        {"key": key, "value": {"intValue": value} if isinstance(value, int) else {"stringValue": value}}
        for key, value in MINI.items()
    ]
    times = {"startTimeUnixNano": str(_T), "endTimeUnixNano": str(_T + 1)}
    span = {"traceId": "1" * 32, "spanId": "1" * 16, "name": "call", "attributes": attributes, **times}
    source = tmp_path / "spans.jsonl"
    source.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    assert run("import", "--into", path, source)[0] == 0
    assert read(path, _CALLS) == [("call", *_PRICED)]


def test_the_packages_are_loaded_for_the_first_call(tmp_path: Path) -> None:
    """In a process of its own, as the tests have loaded them."""
    program = """
import sys
from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import make_spans
from tests.integration.test_reprice import MINI
for name in [name for name in sys.modules if name.startswith("genai_prices")]:
    del sys.modules[name]
exporter = SQLiteSpanExporter(sys.argv[1])
exporter.export(make_spans("no call"))
print("genai_prices" in sys.modules)
exporter.export(make_spans("call", attributes=MINI))
print("genai_prices" in sys.modules)
exporter.shutdown()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "otel.db"],
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )
    assert done.stdout.split() == ["False", "True"]


_ASKED = {"llm.vendor": "openai", "llm.model": "gpt-4o-mini"}
_USED = {"llm.usage.input_tokens": 1_000_000, "llm.usage.output_tokens": 100_000}


@pytest.mark.parametrize("order", list(itertools.permutations(("llm.call.start", "llm.call.finish"))), ids=str)
@pytest.mark.parametrize("is_split", [False, True], ids=["together", "apart"])
def test_a_finish_has_the_price_of_the_model_that_its_start_names(
    path: Path, order: tuple[str, ...], is_split: bool
) -> None:
    attributes = {"llm.call.start": _ASKED, "llm.call.finish": _USED}
    records = [
        make_log(trace=1, span=1, event_name=name, timestamp=_T + len(name), attributes=attributes[name])
        for name in order
    ]
    with logging_to(path) as logs:
        for batch in [[record] for record in records] if is_split else [records]:
            logs.export(batch)
    assert read(path, f"{_COSTS} FROM complete_llm_interactions") == [("llm.call.finish", *_PRICED)]


_R = MINI | {"gen_ai.response.id": "r"}
_OUTER = Span("outer", 1, 1, 0, 100, _R)
_CLIENT = Span("client", 1, 2, 10, 90, _R | {"gen_ai.usage.cache_read.input_tokens": 400_000}, "client", parent=1)


@pytest.mark.parametrize(
    "records", list(itertools.permutations([_OUTER, _CLIENT])), ids=["outer first", "client first"]
)
def test_a_call_is_priced_by_what_all_its_records_say(path: Path, records: Sequence[Span]) -> None:
    """Only the client says how many tokens were cached."""
    _export(path, records)
    counted = f"{_COSTS} FROM complete_llm_interactions WHERE counted"
    assert [cost for _, cost, *_ in read(path, counted)] == [pytest.approx(0.18)]


def test_a_price_does_not_outlive_what_it_was_computed_from(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the second record comes by a writer without prices."""
    _export(path, [_CLIENT])
    assert read(path, "SELECT cost_status FROM complete_llm_interactions") == [("exact",)]
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_COST", "off")
    _export(path, [_OUTER._replace(attributes=_R | {"gen_ai.usage.cache_creation.input_tokens": 7})])
    (row,) = read(path, "SELECT cache_creation_input_tokens, cost_status FROM complete_llm_interactions WHERE counted")
    assert row == (7, None)


def test_reindex_changes_no_price(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=MINI))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _llm_interactions SET cost_usd = 9, price_source = 'old', price_date = '2020-01-01'")
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.unpriced_calls) == (0, 0)
    assert read(path, "SELECT cost_usd, price_source FROM complete_llm_interactions") == [(9.0, "old")]


def test_reindex_prices_what_it_derives_otherwise(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=MINI))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _llm_interactions SET input_tokens = 5, dialect = 'old'")
        assert file.execute("SELECT cost_usd, cost_status FROM _llm_interactions").fetchall() == [(None, None)]
    assert reindex(resolve_settings(path)).unpriced_calls == 0
    assert read(path, _CALLS) == [("call", *_PRICED)]


def test_reindex_prices_a_call_that_loses_its_start_to_another_session(path: Path) -> None:
    used = _ASKED | _USED | {"session.id": "s"}
    records = [
        make_log(trace=1, event_name="llm.call.start", timestamp=_T, attributes=_ASKED | {"old": "s"}),
        make_log(trace=2, event_name="llm.call.finish", timestamp=_T + 5, attributes=used),
    ]
    calls = f"{_COSTS}, start_time_unix_nano FROM complete_llm_interactions WHERE input_tokens > 0"
    with logging_to(path, session_attributes=["session.id", "old"]) as logs:
        logs.export(records)
    assert read(path, calls) == [("llm.call.finish", *_PRICED, _T)]
    reindex(resolve_settings(path))
    assert read(path, calls) == [("llm.call.finish", *_PRICED, _T + 5)]


def test_an_open_call_is_priced_when_it_ends(path: Path) -> None:
    (call,) = make_spans("call", attributes=MINI)
    exporter = SQLiteSpanExporter(path)
    exporter.export_open([call])
    assert read(path, "SELECT cost_status FROM complete_llm_interactions") == [(None,)]
    exporter.export([call])
    exporter.shutdown()
    assert read(path, _CALLS) == [("call", *_PRICED)]


def test_an_open_call_that_another_call_of_its_response_completes_has_no_price_yet(path: Path) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "one"}
    ended, other = make_spans("ended", "other", attributes=MINI | attributes)
    runs = ReadableSpan("runs", other.context, start_time=ended.start_time, attributes=attributes)
    with exporting(path) as exporter:
        exporter.export([ended])
        exporter.export_open([runs])
        found = read(path, "SELECT name, counted, cost_status FROM complete_llm_interactions ORDER BY name")
        assert found == [("ended", 1, "exact"), ("runs", 0, None)]


def test_a_call_that_loses_its_start_to_another_has_a_price(path: Path) -> None:
    """The start is an event of a span that runs; when the span ends, it has a finish of its own for it."""
    in_session = {"session.id": "s"}
    (span,) = make_spans("agent")
    begun = Event("llm.call.start", _ASKED | in_session, _T)
    ended = Event("llm.call.finish", _ASKED | in_session, _T + 1)
    common: dict[str, Any] = {"context": span.context, "start_time": _T, "attributes": in_session}
    runs = ReadableSpan("agent", **common, events=[begun])
    ends = ReadableSpan("agent", **common, events=[begun, ended], end_time=_T + 9)
    log = make_log(event_name="llm.call.finish", timestamp=_T + 5, attributes=_ASKED | _USED | in_session)
    calls = f"{_COSTS}, start_time_unix_nano FROM complete_llm_interactions WHERE input_tokens > 0"
    with exporting(path) as spans, logging_to(path) as logs:
        spans.export_open([runs])
        logs.export([log])
        assert read(path, calls) == [("llm.call.finish", *_PRICED, _T)]
        spans.export([ends])
        assert read(path, calls) == [("llm.call.finish", *_PRICED, _T + 5)]


_PRICES = [
    (model, provider)
    for provider in get_snapshot().providers
    for model in provider.models
    if provider.id != "openrouter"
]
_TOKENS = st.none() | st.integers(0, 2_000_000)


@settings(max_examples=300)
@given(st.sampled_from(_PRICES), st.tuples(_TOKENS, _TOKENS, _TOKENS, _TOKENS, _TOKENS))
def test_rates_give_the_price_that_genai_prices_gives(known: Any, usage: tuple[int | None, ...]) -> None:
    model, provider = known
    when = datetime.fromtimestamp(_T / 1e9, UTC)
    rates = find_rates(model.get_prices(when), genai_prices.Usage)
    price = None if rates is None else rates.price(*usage)
    if price is None:
        return
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens")
    told = {name: tokens for name, tokens in zip(names, usage, strict=True) if tokens is not None}
    assert price == float(
        model.calc_price(genai_prices.Usage(**told), provider, genai_request_timestamp=when).total_price
    )


@pytest.mark.parametrize(("tokens", "tier"), [(200_000, 1.25), (200_001, 2.5)])
def test_a_price_in_tiers_is_that_of_the_tier(tokens: int, tier: float) -> None:
    call = PricedCall("google", "gemini-2.5-pro", None, "embeddings", _T, tokens, None, None, None, None)
    assert find_price(call).cost_usd == pytest.approx(tokens * tier / 1e6)
