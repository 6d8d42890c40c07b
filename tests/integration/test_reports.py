# SPDX-License-Identifier: Apache-2.0
"""Reports say what the records say, added up here once more in Python; and none reads the attributes of all spans."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.timezones import UTC_CALENDAR
from otel_sqlite_exporter.query.report_parts.report_texts import add_functions, find_subject
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.sql.texts import read_report
from tests.commands import run, run_on_terminal
from tests.conftest import exporting, make_spans, read
from tests.sample_traces import MINUTE, NOON_NS, TRACES, write_traces

DAY = "2026-01-31"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("reports") / "otel.db")


@pytest.fixture
def database(asked: Path) -> TelemetryDatabase:
    return TelemetryDatabase(asked)


def grouped(records: Any, key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups


CALL_GROUPS: dict[str, Callable[[Any], Any]] = {
    "model": lambda call: call.model,
    "provider": lambda call: call.provider,
    "operation": lambda call: call.operation,
    "agent": lambda call: call.agent_name,
    "service": lambda call: call.service_name,
    "session": lambda call: call.session_id,
    "conversation": lambda call: call.conversation_id,
    "user": lambda call: call.user_id,
    "day": lambda call: call.request_timestamp[:10],
}


@pytest.mark.parametrize("group", CALL_GROUPS)
def test_tokens_are_those_of_the_calls(database: TelemetryDatabase, group: str) -> None:
    result = database.run_report("tokens", group_by=group)
    expected = grouped(database.find_llm_interactions(limit=1_000), CALL_GROUPS[group])
    assert [row[0] for row in result.rows] == sorted(expected)
    for row in result.to_dicts():
        calls = expected[row[group]]
        assert row["calls"] == row["reported"] == len(calls)
        for column in ("input_tokens", "output_tokens", "total_tokens"):
            assert row[column] == sum(getattr(call, column) for call in calls)
        assert row["reasoning_tokens"] is None


def test_a_report_takes_two_groups_and_a_range(database: TelemetryDatabase) -> None:
    result = database.run_report("tokens", group_by=["service", "model"], since=NOON_NS + 6 * MINUTE)
    assert result.groups == result.columns[:2] == ("service", "model")
    calls = database.find_llm_interactions(since=NOON_NS + 6 * MINUTE, limit=1_000)
    expected = grouped(calls, lambda call: (call.service_name, call.model))
    assert {row[:2]: row[2] for row in result.rows} == {key: len(of) for key, of in expected.items()}
    assert database.run_report("tokens", until=NOON_NS).rows == ()
    assert database.run_report("tokens", until=NOON_NS).columns[0] == "model"


def test_usage_that_is_repeated_counts_once(path: Path) -> None:
    usage = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.id": "one"}
    with exporting(path) as exporter:
        for tokens in (7, 7):
            exporter.export(make_spans("call", attributes=usage | {"gen_ai.usage.input_tokens": tokens}))
    counted = read(path, "SELECT sum(counted) FROM complete_llm_interactions")[0][0]
    (row,) = TelemetryDatabase(path).run_report("tokens").to_dicts()
    assert (row["calls"], row["input_tokens"]) == (counted, 7 * counted)


def test_cost_says_how_many_calls_have_one(asked: Path, tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    with closing(sqlite3.connect(asked)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        copy.execute("UPDATE _llm_interactions SET cost_usd = iif(response_model = 'o4-mini' OR id % 2 = 1, 0.5, NULL)")
        copy.commit()
    calls = grouped(TelemetryDatabase(path).find_llm_interactions(limit=100), lambda call: call.model)
    for row in TelemetryDatabase(path).run_report("cost").to_dicts():
        priced = [call for call in calls[row["model"]] if call.cost_usd is not None]
        assert 0 < row["priced"] == len(priced) <= row["calls"] == len(calls[row["model"]])
        assert row["cost_usd"] == 0.5 * len(priced)
        assert row["cost_usd_per_call"] == 0.5
        tokens = sum(call.total_tokens or 0 for call in priced)
        assert row["cost_usd_per_million_tokens"] == pytest.approx(0.5 * len(priced) * 1e6 / tokens)


@pytest.mark.parametrize("group", ["model", "provider", "operation", "agent", "tool", "service", "name"])
def test_percentiles_are_of_the_pairs_in_order(database: TelemetryDatabase, group: str) -> None:
    durations: dict[str, list[float]] = defaultdict(list)
    if group == "tool":
        for tool in database.find_tool_interactions(limit=1_000):
            durations[tool.tool_name or ""].append(tool.duration_ms or 0)
    elif group in ("service", "name"):
        for event in database.find_events(phase="finish", limit=1_000):
            durations[event.service_name if group == "service" else event.name].append(event.duration_ms or 0)
    else:
        for call in database.find_llm_interactions(limit=1_000):
            durations[CALL_GROUPS[group](call)].append(call.duration_ms)
    result = database.run_report("durations", group_by=group)
    assert {row[0] for row in result.rows} == set(durations)
    for row in result.to_dicts():
        ordered = sorted(durations[row[group]])
        assert row["pairs"] == len(ordered)
        for share, column in ((0.5, "p50_ms"), (0.9, "p90_ms"), (0.99, "p99_ms"), (1, "max_ms")):
            assert row[column] == ordered[math.ceil(len(ordered) * share) - 1]
        assert row["mean_ms"] == pytest.approx(sum(ordered) / len(ordered))
    shape = database.run_report("histogram", group_by=group)
    assert sum(row[2] for row in shape.rows) == sum(map(len, durations.values()))
    for first, below, pairs in shape.rows:
        assert pairs == sum(first <= duration < below for each in durations.values() for duration in each)


def test_what_runs_has_no_duration_yet(path: Path) -> None:
    (span,) = make_spans("call", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    span._end_time = None
    with exporting(path) as exporter:
        exporter.export_open([span])
    database = TelemetryDatabase(path)
    assert [call.status for call in database.find_llm_interactions()] == ["running"]
    assert database.run_report("durations").rows == database.run_report("histogram").rows == ()


def test_what_was_interrupted_has_no_duration(path: Path) -> None:
    (span,) = make_spans("work")
    span._end_time = None
    with exporting(path) as exporter:
        exporter.export_open([span])
    with closing(sqlite3.connect(path)) as connection, connection:  # its process is gone
        connection.execute("UPDATE _exporter_runs SET boot_id = 'before'")
    with exporting(path) as exporter:
        exporter.export(make_spans("other"))
    database = TelemetryDatabase(path)
    assert [one.status for one in database.find_spans(name="work")] == ["interrupted"]
    for group in ("service", "name"):
        assert sum(row[1] for row in database.run_report("durations", group_by=group).rows) == 1
        assert sum(row[2] for row in database.run_report("histogram", group_by=group).rows) == 1


def test_errors_are_those_of_failed_spans(database: TelemetryDatabase) -> None:
    assert [row[:2] for row in database.run_report("errors").rows] == [("RateLimitError", 3), ("TimeoutError", 1)]
    (latest, *_) = database.find_spans(status="error", limit=1)
    assert database.run_report("errors", group_by="day").rows[0][-2:] == (latest.trace_id, latest.span_id)
    by_two = {row[:3] for row in database.run_report("errors", group_by=["service", "name"]).rows}
    failed = grouped(database.find_spans(status="error"), lambda span: (span.service_name, span.name))
    assert by_two == {(*key, len(spans)) for key, spans in failed.items()}


def test_times_are_written_as_in_the_views(database: TelemetryDatabase) -> None:
    for name in REPORTS:
        for row in database.run_report(name).to_dicts():
            times = [value for column, value in row.items() if column.endswith("_time")]
            assert [time for time in times if not re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{6}Z", time)] == []
    (errors,) = database.run_report("errors", group_by="day").to_dicts()
    latest = max(database.find_spans(status="error"), key=lambda span: span.start_time_unix_nano)
    assert (errors["last_time"], errors["example_trace_id"]) == (latest.start_time, latest.trace_id)
    (tools,) = database.run_report("tools", group_by="day").to_dicts()
    assert tools["last_time"] == database.find_tool_interactions(limit=1)[0].start_time


def test_tools_slowest_sessions_links_and_growth(database: TelemetryDatabase) -> None:
    tools = {row["tool"]: row for row in database.run_report("tools").to_dicts()}
    assert {name: (row["executions"], row["errors"]) for name, row in tools.items()} == {
        "search": (6, 0),
        "read_file": (6, 1),
    }
    assert (tools["search"]["p50_ms"], tools["read_file"]["error_rate"]) == (5, 1 / 6)
    slowest = database.run_report("slowest", limit=3)
    assert ([row[0] for row in slowest.rows], slowest.describe()) == ([160, 160, 150], "3 of more")
    assert [row[0] for row in database.run_report("slowest", group_by="span", limit=2).rows] == [500, 500]
    assert {row[0] for row in database.run_report("slowest", group_by="tool").rows} == {5}
    sessions = database.run_report("sessions")
    newest = database.find_sessions()
    assert [row[0] for row in sessions.rows] == [session.session_id for session in newest]
    assert [row["total_tokens"] for row in sessions.to_dicts()] == [session.total_tokens for session in newest]
    assert [row[:2] for row in database.run_report("sessions", group_by="user").rows] == [("user-0", 2), ("user-1", 1)]
    (links,) = database.run_report("links").to_dicts()
    health = read(database.path, "SELECT records, success_rate FROM link_health")
    assert [(links["records"], links["success_rate"])] == health
    (growth,) = database.run_report("growth").to_dicts()
    size = Path(database.path).stat().st_size
    assert growth == {
        "day": DAY,
        "spans": 5 * TRACES,
        "traces": TRACES,
        "llm_calls": 2 * TRACES,
        "tool_executions": TRACES,
        "logs": 0,
        "estimated_bytes": size,
    }


def test_attributes_are_of_a_sample(database: TelemetryDatabase) -> None:
    rows = {row["key"]: row for row in database.run_report("attributes").to_dicts()}
    spans = database.find_spans(limit=1_000)
    held: dict[str, list[Any]] = defaultdict(list)
    for span in spans:
        for key, value in json.loads(span.attributes).items():
            held[key].append(value)
    assert set(rows) == set(held)
    for key, values in held.items():
        assert (rows[key]["spans"], rows[key]["distinct_values"]) == (len(values), len(set(values)))
        assert rows[key]["share"] == len(values) / len(spans)
    assert rows["gen_ai.request.model"]["types"] == "text"
    assert (rows["gen_ai.request.model"]["dialect"], rows["app.is_first"]["dialect"]) == ("gen_ai", None)


def test_every_query_is_measured_with_its_plan(database: TelemetryDatabase) -> None:
    rows = database.run_report("queries").to_dicts()
    assert {row["query"] for row in rows if row["query"].startswith("report")} == {
        f"report {name}" for name in REPORTS if name not in ("queries", "unrecognised", "genai-metrics")
    }
    assert len(rows) == len(REPORTS) - 3 + 8
    assert all(row["ms"] > 0 for row in rows)
    plans = {row["query"]: row["plan"] for row in rows}
    assert plans["page of spans"].split("; ")[0] == "SCAN s USING INDEX _spans_start_time"


@pytest.mark.parametrize("name", [name for name in REPORTS if name not in ("queries", "unrecognised", "genai-metrics")])
def test_no_report_reads_the_attributes_of_all_spans(asked: Path, tmp_path: Path, name: str) -> None:
    """Where they are no JSON, all is as before: but those of failed spans, and of the sample, may be read."""
    path = tmp_path / "otel.db"
    spared = {
        "errors": "SELECT id FROM _spans WHERE status_code = 2",
        "attributes": "SELECT id FROM _spans ORDER BY start_time_unix_nano DESC LIMIT 5",
    }.get(name, "SELECT 0")
    parameters = {"since": 0, "until": 2**62, "group_2": None, "limit": 5, "sample": 5, "subject": "call"}
    with closing(sqlite3.connect(asked)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        for connection in (source, copy):
            add_functions(connection, UTC_CALENDAR, ["request_model"])
        copy.execute(f"UPDATE _spans SET attributes = 'no JSON' WHERE id NOT IN ({spared})")
        copy.execute("UPDATE _events SET attributes = 'no JSON' WHERE attributes IS NOT NULL")
        with pytest.raises(sqlite3.OperationalError, match="malformed JSON"):
            copy.execute("SELECT attributes ->> '$.x' FROM spans").fetchall()
        for group in REPORTS[name].groups:
            given = parameters | {"group_1": group}
            if name in ("durations", "histogram"):
                given["subject"] = find_subject([group])
            expected = source.execute(read_report(name), given).fetchall()
            if name == "growth":  # the copy has another size
                assert [row[:-1] for row in copy.execute(read_report(name), given)] == [row[:-1] for row in expected]
            else:
                assert copy.execute(read_report(name), given).fetchall() == expected


def test_a_report_that_is_none_is_named(database: TelemetryDatabase) -> None:
    with pytest.raises(FilterError, match=r"^name: there is no report 'nope': give one of sessions, durations"):
        database.run_report("nope")
    with pytest.raises(FilterError, match=r"^limit: "):
        database.run_report("tokens", limit=0)
    assert database.run_report("tokens", limit=2).describe() == "2 of 3"


def test_a_report_is_a_data_frame(database: TelemetryDatabase) -> None:
    frame = database.run_report("durations").to_pandas()
    assert [str(kind) for kind in frame.dtypes] == ["string", "Int64", *["Float64"] * 5, "Int64", "Float64"]
    assert database.run_report("cost").to_polars()["calls"].sum() == 24
    assert database.run_report("tokens", until=0).to_arrow().num_rows == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_a_command(asked: Path, database: TelemetryDatabase, name: str) -> None:
    result = database.run_report(name)
    code, out, err = run("report", name, asked, "--json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert shown["total"] == result.total
    rows = list(csv.reader(io.StringIO(run("report", name, asked, "--csv")[1])))
    assert tuple(rows[0]) == result.columns
    assert len(rows) == 1 + len(result.rows)
    if name not in ("queries", "unrecognised", "genai-metrics"):
        assert shown["rows"] == result.to_dicts()
    lines = run("report", name, asked, "--plan")[1].splitlines()
    assert [len(lines), lines[1][:6], re.findall(" :[a-z]+", lines[1])] == [2, "Plan: ", []]
    assert run("report", name, asked)[1].startswith(f"{name} ({result.describe()})\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "bars"),
    [(("durations",), 2), (("tokens", "-g", "day"), 1), (("links",), 1), (("growth",), 1), (("errors",), 0)],
)
def test_a_terminal_has_pictures(asked: Path, arguments: tuple[str, ...], bars: int) -> None:
    name, *options = arguments
    shown = run_on_terminal("report", name, asked, *options, NO_COLOR="1", LINES="100")
    assert sum("██" in line for line in shown.splitlines()) == bars
    assert "█" not in run("report", name, asked, *options)[1]
