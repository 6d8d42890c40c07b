# SPDX-License-Identifier: Apache-2.0
"""The filters, timezones, times, groups and budgets of reports, on calls made for them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.query.report_parts.asked_models import AskedModels
from otel_sqlite_exporter.query.reports import REPORTS
from tests.commands import run_here
from tests.conftest import exporting

_MADRID = ZoneInfo("Europe/Madrid")
_numbers = itertools.count(1)


def _call(
    at: datetime,
    model: str = "gpt-4o-mini",
    answered: str | None = "gpt-4o-mini-2024-07-18",
    *,
    user: str = "ada",
    ms: int = 100,
    is_error: bool = False,
) -> ReadableSpan:
    """A call of 1,000,000 input and 100,000 output tokens; one that failed has no usage and no answer."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "session.id": f"session of {user}",
        "user.id": user,
        "gen_ai.agent.name": f"agent of {user}",
    }
    if is_error:
        attributes["error.type"] = "Timeout"
    else:
        attributes |= {
            "gen_ai.response.model": answered,
            "gen_ai.usage.input_tokens": 1_000_000,
            "gen_ai.usage.output_tokens": 100_000,
        }
    return _span("call", at, ms, attributes, is_error=is_error)


def _tool(at: datetime, name: str, *, user: str = "ada", is_error: bool = False) -> ReadableSpan:
    named = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "user.id": user}
    return _span("tool", at, 10, named, is_error=is_error)


def _span(name: str, at: datetime, ms: int, attributes: dict[str, Any], *, is_error: bool) -> ReadableSpan:
    number = next(_numbers)
    start = int(at.timestamp()) * 10**9
    return ReadableSpan(
        name=name,
        context=SpanContext(number, number, False, TraceFlags(1)),
        resource=Resource({"service.name": "web"}),
        attributes={name: value for name, value in attributes.items() if value is not None},
        status=Status(StatusCode.ERROR if is_error else StatusCode.UNSET),
        start_time=start,
        end_time=start + ms * 10**6,
    )


def _write(path: Path, *spans: ReadableSpan) -> TelemetryDatabase:
    with exporting(path) as exporter:
        assert exporter.export(spans).name == "SUCCESS"
    return TelemetryDatabase(path)


_NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def database(path: Path) -> TelemetryDatabase:
    return _write(
        path,
        _call(_NOON, ms=100),
        _call(_NOON + timedelta(minutes=1), ms=300),
        _call(_NOON + timedelta(hours=1), is_error=True),
        _call(_NOON + timedelta(days=1), user="bo"),
        _call(_NOON + timedelta(days=1), "gpt-4o", "gpt-4o-2024-08-06", user="bo"),
        _tool(_NOON, "search"),
        _tool(_NOON, "search", is_error=True),
        _tool(_NOON, "read", user="bo"),
    )


_MINI = {"gen_ai.request.model": "gpt-4o-mini"}


@pytest.mark.parametrize(
    ("filters", "calls"),
    [
        ({"session_id": "session of bo"}, 2),
        ({"user_id": "ada"}, 3),
        ({"model": "gpt-4o-mini"}, 4),
        ({"model": "gpt-4o-2024-08-06"}, 1),
        ({"model": ["gpt-4o", "gpt-4o-mini"], "user_id": "bo"}, 2),
        ({"agent_name": "agent of bo"}, 2),
        ({"service_name": "web"}, 5),
        ({"service_name": "other"}, 0),
        ({"status": "error"}, 1),
        ({"user_id": None}, 5),
    ],
    ids=str,
)
def test_a_report_takes_the_filters_of_lists(database: TelemetryDatabase, filters: Any, calls: int) -> None:
    assert sum(row["calls"] for row in database.run_report("tokens", **filters).to_dicts()) == calls
    assert database.find_llm_interactions(limit=100, **filters).total == calls


_SOURCES = ("sessions", "durations", "histogram", "tokens", "cost", "errors", "tools", "slowest", "attributes")


@pytest.mark.parametrize("name", _SOURCES)
@pytest.mark.parametrize(
    "filters",
    [
        {"session_id": "session of ada"},
        {"user_id": "ada"},
        {"model": "gpt-4o-mini"},
        {"service_name": "web"},
        {"agent_name": "agent of ada"},
        {"status": ["ok", "error"]},
    ],
    ids=str,
)
def test_every_report_of_records_takes_every_filter(database: TelemetryDatabase, name: str, filters: Any) -> None:
    nothing: Any = {filter: "running" if filter == "status" else "nobody" for filter in filters}
    for group in REPORTS[name].groups:
        database.run_report(name, group_by=group, **filters)
        assert database.run_report(name, group_by=group, **nothing).rows == ()


def test_a_filter_without_a_column_asks_the_calls_of_the_trace(path: Path) -> None:
    database = _write(path, _call(_NOON), _call(_NOON, "gpt-4o", user="bo", is_error=True))
    assert [row[:2] for row in database.run_report("errors", model="gpt-4o").rows] == [("Timeout", 1)]
    assert database.run_report("errors", model="gpt-4o-mini").rows == ()
    assert [row[0] for row in database.run_report("sessions", model="gpt-4o").rows] == ["session of bo"]


@pytest.mark.parametrize("name", ["links", "growth", "queries", "unrecognised"])
def test_other_reports_refuse_filters(database: TelemetryDatabase, name: str) -> None:
    with pytest.raises(FilterError, match=f"^user_id: the report {name} takes no filters"):
        database.run_report(name, user_id="ada")


def test_failed_calls_stand_under_the_model_that_was_asked_for(database: TelemetryDatabase) -> None:
    rows = database.run_report("durations", group_by="request_model").to_dicts()
    assert [(row["request_model"], row["pairs"], row["errors"], row["error_rate"]) for row in rows] == [
        ("gpt-4o-mini", 4, 1, 0.25),
        ("gpt-4o", 1, 0, 0.0),
    ]


_DATED, _LATER = "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2025-01-01"


@pytest.mark.parametrize(
    ("calls", "asked"),
    [
        pytest.param([("a", "a-2024-07-18"), ("a", None)], ["a", "a"], id="an alias, and a failure"),
        pytest.param([("a-2024-07-18", "a-2024-07-18"), ("a", None)], ["a-2024-07-18", "a"], id="asked by its date"),
        pytest.param([("a", "a-2024-07-18"), ("a", "a-2025-01-01")], ["a", "a"], id="the alias moved on"),
        pytest.param([(None, "a-20240718"), ("a", "a-20240718")], ["a", "a"], id="other calls show the alias"),
        pytest.param(
            [(None, "a-20240718"), ("a", "a-20240718"), ("a-latest", "a-20240718")],
            ["a-20240718", "a", "a-latest"],
            id="two aliases of it",
        ),
        pytest.param([("a-20240718", None), ("a", None)], ["a", "a"], id="one name is recorded"),
        pytest.param([(None, "a-001"), ("a", None)], ["a", "a"], id="a version"),
        pytest.param([("a-20240718", None), ("a-20250101", None)], ["a-20240718", "a-20250101"], id="two snapshots"),
        pytest.param(
            [("a-20240718", None), ("a-20250101", None), ("a", None)],
            ["a-20240718", "a-20250101", "a"],
            id="two snapshots and their alias",
        ),
        pytest.param([("a-20240718", None)], ["a-20240718"], id="no call names the alias"),
        pytest.param([("models/g-2", None), ("g-2", "g-2-001")], ["g-2", "g-2"], id="a prefix"),
        pytest.param(
            [("us.anthropic.c-20240718-v1:0", None), ("anthropic.c-20240718-v1:0", None)],
            ["anthropic.c-20240718-v1:0"] * 2,
            id="a region",
        ),
        pytest.param(
            [("arn:aws:bedrock:us-east-1:42:inference-profile/us.anthropic.c-v1:0", None), ("anthropic.c-v1:0", None)],
            ["anthropic.c-v1:0"] * 2,
            id="an ARN",
        ),
        pytest.param(
            [("arn:aws:bedrock:us-east-1:42:application-inference-profile/k2j", None)],
            ["arn:aws:bedrock:us-east-1:42:application-inference-profile/k2j"],
            id="an ARN without the model",
        ),
        *(
            pytest.param([(None, f"a-{date}"), ("a", None)], ["a", "a"], id=f"dated {date}")
            for date in ("0613", "2411", "08-2024", "05-20")
        ),
        pytest.param([("a-70b-4096", None), ("a-70b", None)], ["a-70b-4096", "a-70b"], id="a number that is no date"),
        pytest.param([("org/m", None), ("other/m", None), (None, None)], ["org/m", "other/m", None], id="other models"),
    ],
)
def test_a_snapshot_stands_under_the_alias_that_was_asked_for(
    calls: list[tuple[str | None, str | None]], asked: list[str | None]
) -> None:
    for order in itertools.permutations(calls):
        models = AskedModels(order)
        assert [models.find(*call) for call in calls] == asked


def test_hours_days_and_weeks_are_those_of_the_timezone(path: Path) -> None:
    """Madrid's clocks went from 3:00 back to 2:00 on 25 October 2026, a Sunday."""
    first = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 0:30 there
    database = _write(path, *(_call(first + timedelta(hours=hours)) for hours in (0, 1, 2, 3, 23, 24)))

    def count(group: str, timezone: str) -> dict[str, int]:
        rows = database.run_report("tokens", group_by=group, timezone=timezone).to_dicts()
        return {row[group]: row["calls"] for row in rows}

    assert count("hour", "Europe/Madrid") == {
        "2026-10-25T00:00+02:00": 1,
        "2026-10-25T01:00+02:00": 1,
        "2026-10-25T02:00+02:00": 1,
        "2026-10-25T02:00+01:00": 1,
        "2026-10-25T22:00+01:00": 1,
        "2026-10-25T23:00+01:00": 1,
    }
    assert count("day", "Europe/Madrid") == {"2026-10-25": 6}
    assert count("day", "UTC") == {"2026-10-24": 2, "2026-10-25": 4}
    assert count("week", "Europe/Madrid") == count("week", "UTC") == {"2026-10-19": 6}
    assert count("week", "+03:00") == {"2026-10-19": 4, "2026-10-26": 2}
    assert set(count("hour", "UTC")) >= {"2026-10-24T22:00Z", "2026-10-25T00:00Z"}


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_the_timezone_of_the_machine_is_local(path: Path) -> None:
    database = _write(path, _call(datetime(2026, 3, 4, 3, tzinfo=UTC)))
    assert database.run_report("tokens", group_by="day", timezone="local").rows[0][0] == "2026-03-03"
    range_: Any = {"since": "2026-03-03T22:00", "until": "2026-03-03T22:01"}
    assert len(database.run_report("tokens", timezone="local", **range_).rows) == 1
    assert database.run_report("tokens", **range_).rows == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("tokens", "--tz", "Mars/Olympus"), "--tz: there is no timezone 'Mars/Olympus': give UTC, local, an offset"),
        (("growth", "--tz", "Europe/Madrid"), "--tz: the report growth has days of UTC only"),
        (("durations", "-g", "tool", "-g", "model"), "--group-by: tool and model are of different records"),
        (("tokens", "--session", "nobody"), "there is no session 'nobody'"),
        (("links", "--fail-above", "1"), "--fail-above: the report links has no sum: give one of tokens, cost"),
        (("cost", "--fail-above", "nan"), "--fail-above: nan is not a finite number"),
        (("cost", "--since", "last week"), "--since: 'last week' is not a time: give ISO 8601"),
    ],
    ids=str,
)
def test_a_bad_value_gives_one_sentence(database: TelemetryDatabase, path: Path, options: Any, message: str) -> None:
    done = run_here("report", *options, path)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1


def test_without_names_of_timezones_the_message_says_what_to_install(
    database: TelemetryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_sqlite_exporter.model.timezones.available_timezones", set)
    with pytest.raises(FilterError, match=r"Europe/Nowhere.*or run `pip install tzdata`"):
        database.run_report("tokens", timezone="Europe/Nowhere")


@pytest.mark.parametrize("zone", [UTC, _MADRID], ids=str)
def test_words_are_starts_of_days(path: Path, zone: Any) -> None:
    today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    week, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    calendar = Calendar(zone)
    starts = {"today": today, "yesterday": today - timedelta(days=1), "week": week, "month": month}
    if datetime.now(zone).date() == today.date():  # unless midnight was just now
        assert {word: calendar.find_start(word) for word in starts} == starts


def test_this_week_is_one_command(path: Path) -> None:
    monday = Calendar(UTC).find_start("week")
    assert monday is not None
    _write(path, _call(monday), _call(monday - timedelta(seconds=1)), _call(datetime.now(UTC) - timedelta(seconds=1)))
    out = run_here("report", "tokens", "-g", "request_model", "--since", "week", "--csv", path).stdout
    assert out.splitlines()[1].startswith("gpt-4o-mini,2,2,2000000,200000,2200000")


def test_percentiles_and_error_rates_go_over_time(database: TelemetryDatabase) -> None:
    rows = database.run_report("durations", group_by=["hour", "request_model"]).to_dicts()
    assert [(row["hour"], row["request_model"], row["pairs"], row["p90_ms"], row["error_rate"]) for row in rows] == [
        ("2026-03-04T12:00Z", "gpt-4o-mini", 2, 300.0, 0.0),
        ("2026-03-04T13:00Z", "gpt-4o-mini", 1, 100.0, 1.0),
        ("2026-03-05T12:00Z", "gpt-4o", 1, 100.0, 0.0),
        ("2026-03-05T12:00Z", "gpt-4o-mini", 1, 100.0, 0.0),
    ]
    assert [row[:4] for row in database.run_report("tokens", group_by="error").rows] == [
        (None, 4, 4, 4_000_000),
        ("Timeout", 1, 0, None),
    ]


def test_the_tool_that_fails_most_is_one_command(database: TelemetryDatabase, path: Path) -> None:
    rows = database.run_report("tools", group_by=["tool", "status"]).to_dicts()
    assert {(row["tool"], row["status"]): row["executions"] for row in rows} == {
        ("search", "ok"): 1,
        ("search", "error"): 1,
        ("read", "ok"): 1,
    }
    lines = run_here("report", "tools", "--csv", path).stdout.splitlines()
    assert lines[0].startswith("tool,executions,errors,error_rate")
    assert lines[1].startswith("search,2,1,0.5")


def test_what_a_user_cost_on_a_day_is_one_command(database: TelemetryDatabase, path: Path) -> None:
    """0.15 USD for a million tokens of input and 0.60 of output; 2.50 and 10 for gpt-4o."""
    rows = database.run_report("cost", group_by=["user", "day"]).to_dicts()
    assert [(row["user"], row["day"], row["calls"], row["unpriced_calls"], row["cost_usd"]) for row in rows] == [
        ("bo", "2026-03-05", 2, 0, 3.71),
        ("ada", "2026-03-04", 3, 0, 0.42),
    ]
    by_day = database.run_report("cost", group_by=["day", "user"])
    assert [row[0] for row in by_day.rows] == ["2026-03-04", "2026-03-05"]


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("cost", "--fail-above", "5"), 0, ""),
        (("cost", "--fail-above", "4.13"), 0, ""),
        (("cost", "--fail-above", "4"), 1, "too much: cost_usd of the report cost: 4.13, allowed: 4\n"),
        (("cost", "--fail-above", "4", "--limit", "1"), 1, "too much: cost_usd of the report cost: 4.13, allowed: 4\n"),
        (("cost", "--fail-above", "4", "--user", "ada"), 0, ""),
        (("cost", "--fail-above", "0.1", "--until", "2026-03-01"), 0, ""),
        (("errors", "--fail-above", "1"), 1, "too much: errors of the report errors: 2, allowed: 1\n"),
        (("tools", "--fail-above", "0"), 1, "too much: errors of the report tools: 1, allowed: 0\n"),
        (
            ("tokens", "--fail-above", "5e6"),
            0,
            "total_tokens of the report tokens: at least 4400000, allowed: 5000000 (1 call reports no tokens)\n",
        ),
    ],
    ids=str,
)
def test_a_budget_is_a_limit_on_the_sum(
    database: TelemetryDatabase, path: Path, options: Any, code: int, sentence: str
) -> None:
    done = run_here("report", *options, path)
    assert (done.exit_code, done.stderr) == (code, sentence)
    assert done.stdout


def test_a_partial_sum_says_so_everywhere(path: Path) -> None:
    database = _write(
        path,
        _call(_NOON),
        _call(_NOON, "nobody-knows-this", None),
        _call(_NOON, is_error=True),  # failed without usage: it costs nothing
    )
    (session,) = database.find_sessions()
    assert (session.cost_usd, session.unpriced_calls) == (0.21, 1)
    assert "≥ 0.21" in run_here("sessions", path).stdout
    assert "≥ 0.21" in run_here("session", "session", path).stdout
    (row,) = database.run_report("cost", group_by="user").to_dicts()
    assert (row["calls"], row["priced"], row["unpriced_calls"], row["cost_usd"]) == (3, 1, 1, 0.21)
    done = run_here("report", "cost", "--fail-above", "0.2", path)
    assert done.exit_code == 1
    assert done.stderr == (
        "too much: cost_usd of the report cost: at least 0.21, allowed: 0.2 "
        "(1 call has no known cost, or only a part of one)\n"
    )
    assert "unpriced_calls" in run_here("diff", "session", "session", path).stdout
