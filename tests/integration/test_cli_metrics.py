# SPDX-License-Identifier: Apache-2.0
"""The commands `metrics` and `metric`: what they show as text, JSON and CSV, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.cli.metering.column_charts import draw_chart
from otel_sqlite_exporter.cli.metering.metric_listing import KINDS as SHOWN_KINDS
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    KINDS,
    SUMMARY,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
)
from otel_sqlite_exporter.show.sparklines import BLOCKS, draw_sparkline, fit_values
from tests.commands import run, run_on_terminal
from tests.metric_files import at, counter, gauge, histogram, make_point, write_points

TRACE = 0x0AF7651916CD43DD8448EB211C80319C


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / "otel.db"
    points = []
    for minute in range(1, 61):
        for route, each in (("/cart", 60), ("/pay", 6)):
            attributes = {"http.route": route}
            points.append(make_point(counter(), 60 * minute, each * minute, start=0, attributes=attributes))
        spread = DistributionFields(
            *(10 * minute, 5.0 * minute, 0.2, 1.5, [0.25, 0.5, 1, 2], [0, 6 * minute, 3 * minute, minute, 0])
        )
        exemplar = ExemplarFields(1.5, at(60 * minute), TRACE, 9, {"user": "ada"})
        points.append(make_point(histogram(), 60 * minute, start=0, distribution=spread, exemplars=[exemplar]))
        points.append(make_point(gauge(), 60 * minute, 20 + minute / 10))
    summary = InstrumentFields("latency", "How long it takes", unit="ms", kind=SUMMARY)
    points.append(make_point(summary, 60, start=0, distribution=DistributionFields(2, 3.0, quantiles=[(0.5, 1.5)])))
    write_points(path, points)
    return path


def shown(*arguments: object) -> tuple[str, str]:
    code, out, err = run(*arguments)
    assert code == 0
    return out, err


def test_metrics_are_listed_by_name(measured: Path) -> None:
    out, _ = shown("metrics", measured)
    assert [" ".join(line.split()[:3]) for line in out.splitlines()[1:]] == [
        "name kind unit",
        "duration histogram, cumulative",
        "latency summary ms",
        "requests sum, cumulative",
        "temperature gauge Cel",
    ]
    assert "How long it takes" in out
    page = TelemetryDatabase(measured).find_metrics(limit=3)
    assert json.loads(shown("metrics", measured, "-n", 3, "--json")[0]) == {
        **{"total": page.total, "cursor": page.cursor},
        "metrics": page.to_dicts(),
    }
    out, err = shown("metrics", measured, "-n", 3)
    assert err == f"next: --cursor {page.cursor}\n"
    assert "temperature" in shown("metrics", measured, "--cursor", page.cursor)[0]
    names = [row["name"] for row in csv.DictReader(io.StringIO(shown("metrics", measured, "--csv")[0]))]
    assert names == ["duration", "latency", "requests", "temperature"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--name", "*e*s"], ["requests"]),
        (["--name", "*t", "--name", "dur*"], ["duration"]),
        (["--kind", "gauge", "--kind", "summary"], ["latency", "temperature"]),
        (["--unit", "s"], ["duration"]),
        (["--service", "bank"], []),
        (["--session", "none"], []),
        (["--since", "2023-11-14T22:20Z"], ["duration", "requests", "temperature"]),
        (["--until", "2023-11-14T22:15Z"], []),
    ],
)
def test_metrics_are_filtered(measured: Path, options: list[str], found: list[str]) -> None:
    listed = json.loads(shown("metrics", measured, *options, "--json")[0])["metrics"]
    assert [metric["name"] for metric in listed] == found


def test_a_counter_is_shown_as_a_rate_with_what_came_in_all(measured: Path) -> None:
    out, err = shown("metric", "requests", measured)
    assert err == ""
    lines = [line.strip() for line in out.splitlines()]
    assert lines[:8] == [
        "metric requests",
        "kind        sum, cumulative",
        "unit        {request}",
        "services    shop",
        "series      2",
        "attributes  http.route (/cart, /pay)",
        "from        2023-11-14T22:14:00+00:00",
        "to          2023-11-14T23:14:00+00:00",
    ]
    assert "rate in request/s" in lines
    assert any(line.startswith("1.1 request/s ┤████") for line in lines)
    assert lines[-1].split("  ") == ["3,960 request", "1.1 request/s"]
    assert "22:14:00" in out
    assert "00:14:00" in shown("metric", "requests", measured, "--tz", "+02:00")[0]


def test_groups_are_shown_in_a_row_each(measured: Path) -> None:
    out, _ = shown("metric", "requests", measured, "-g", "http.route")
    rows = [line.split() for line in out.splitlines()[-2:]]
    assert [(row[0], row[-4:]) for row in rows] == [
        ("/cart", ["3,600", "request", "1", "request/s"]),
        ("/pay", ["360", "request", "0.1", "request/s"]),
    ]
    assert rows[0][1].startswith("████")
    assert rows[1][1].startswith("▁▁▁▁")
    out, err = shown("metric", "requests", measured, "-g", "*", "-n", 1)
    assert [line.split()[:2] for line in out.splitlines()[-2:]] == [["service_name", "http.route"], ["shop", "/cart"]]
    assert err == "one group of series is left out, those with the smallest values: the limit is 1\n"
    assert (
        "/pay"
        not in shown("metric", "requests", measured, "-g", "http.route", "--attribute", "http.route=/cart")[
            0
        ].partition("whole range")[2]
    )


def test_a_histogram_is_shown_with_quantiles_and_buckets(measured: Path) -> None:
    out, err = shown("metric", "duration", measured, "--exemplars")
    assert err == "estimated from buckets: p50, p95, p99\n"
    assert "█ p50  ▓ p95  ░ p99 in s" in out
    assert "rate per second" in out
    whole = out.partition("whole range")[2].splitlines()
    assert whole[1].split() == ["count", "rate", "avg", "p50", "p95", "p99", "max"]
    assert [" ".join(line.split()) for line in out.partition("buckets\n")[2].splitlines()[1:4]] == [
        "250 ms 500 ms 360 60.0% ========================",
        "500 ms 1 s 180 30.0% ============",
        "1 s 2 s 60 10.0% ====",
    ]
    assert f"1.5 s  {TRACE:032x}  0000000000000009" in out


def test_a_gauge_and_a_summary(measured: Path) -> None:
    whole = shown("metric", "temperature", measured)[0].partition("whole range")[2].splitlines()
    assert whole[1].split() == ["last", "avg", "min", "max"]
    assert whole[2].split() == ["26", "Cel", "23.05", "Cel", "20.1", "Cel", "26", "Cel"]
    assert "1.5 ms" in shown("metric", "latency", measured)[0]
    assert "p50 in ms" in shown("metric", "latency", measured, "-a", "p50")[0]


def test_json_and_csv_are_what_python_is_answered(measured: Path) -> None:
    database = TelemetryDatabase(measured)
    result = database.get_metric_series("requests", aggregate=["increase", "rate"], group_by=["http.route"], step="30m")
    options = ["-a", "increase", "-a", "rate", "-g", "http.route", "--step", "30m"]
    assert json.loads(shown("metric", "requests", measured, *options, "--json")[0]) == result.to_dict()
    rows = [*csv.reader(io.StringIO(shown("metric", "requests", measured, *options, "--csv")[0]))]
    assert rows[0] == [*result.to_columns()] == ["time_unix_nano", "time", "http.route", "aggregate", "value"]
    assert len(rows) == 1 + sum(len(line.points) for line in result.series)
    assert rows[1][2:] == ["/cart", "increase", "960"]
    answer = json.loads(shown("metric", "duration", measured, "--exemplars", "--json")[0])
    assert len(answer["exemplars"]) == 60
    assert answer["exemplars"][0]["attributes"] == {"user": "ada"}


def test_raw_points(measured: Path) -> None:
    out, _ = shown("metric", "requests", measured, "--raw", "--attribute", "http.route=/pay")
    lines = out.partition("points (")[2].splitlines()
    assert lines[0] == "60 of 60)"
    assert lines[2].split() == ["2023-11-14T22:15:00+00:00", "service_name=shop", "http.route=/pay", "6", "6", "first"]
    rows = [*csv.DictReader(io.StringIO(shown("metric", "duration", measured, "--raw", "--csv")[0]))]
    assert rows[1]["count_delta"] == "10"
    assert json.loads(rows[0]["buckets"]) == {"bounds": [0.25, 0.5, 1, 2], "counts": [0, 6, 3, 1, 0]}


REFUSED = {
    "metric request": "Error: there is no metric 'request': did you mean requests?\n",
    "metric requests -g route": (
        "Error: --group-by: no series has the attribute 'route': give http.route, or another key\n"
    ),
    "metric requests -a p99": (
        "Error: --aggregate: requests cannot be asked for 'p99': give rate, increase, sum, count, last, avg, min, max\n"
    ),
    "metric requests --step 1y": (
        "Error: --step: '1y' is not a step: give seconds, a text such as 30s, 5m, 1h or 1d, raw or all\n"
    ),
    "metric requests --unit By": "Error: --unit: the metric has no such unit: give '{request}'\n",
    "metric requests --raw --step 1m": "--raw shows points as they are: leave out --step and --aggregate",
    "metric requests --exemplars --csv": "--csv has no exemplars: give --json, or leave out --exemplars",
    "metrics --cursor x": "Error: --cursor: it is not from a page of this list",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_asked_is_named(measured: Path, line: str) -> None:
    code, out, err = run(*line.split(), measured)
    assert (code, out) == (2, "")
    assert REFUSED[line] in err


def test_a_range_without_points_says_so(measured: Path) -> None:
    assert "nothing in this range" in shown("metric", "requests", measured, "--since", "1d")[0]


def test_a_terminal_shows_what_fits(measured: Path) -> None:
    out = run_on_terminal("metric", "duration", str(measured), NO_COLOR="1")
    assert max(map(len, out.splitlines())) <= 100
    assert "░" in out
    assert BLOCKS[-1] in run_on_terminal("metric", "requests", str(measured), "-g", "http.route", NO_COLOR="1")


def test_the_kinds_of_the_option_are_those_there_are() -> None:
    assert SHOWN_KINDS == KINDS


values = st.lists(st.one_of(st.none(), st.floats(-1e300, 1e300)), min_size=1, max_size=300)


@given(st.lists(values, min_size=1, max_size=3), st.integers(1, 120), st.integers(2, 12), st.booleans())
def test_charts_have_their_size_and_lose_no_peak(
    lines: list[list[float | None]], width: int, height: int, from_zero: bool
) -> None:
    lines = [(line * 300)[: len(lines[0])] for line in lines]
    options: dict[str, Any] = {"width": width, "height": height, "from_zero": from_zero}
    drawn = draw_chart(lines, ("a", "b"), lambda value: "x", **options)
    assert len(drawn) == height + 1
    assert {len(line) for line in drawn[:-1]} <= {*range(4, max(width, 4) + 1)}
    fitted = fit_values(lines[0], 20)
    assert len(fitted) <= 20
    assert max((value for value in fitted if value is not None), default=None) == max(
        (value for value in lines[0] if value is not None), default=None
    )


@given(values)
def test_a_sparkline_shows_each_value_between_the_lowest_and_the_highest(drawn: list[float | None]) -> None:
    text = draw_sparkline(drawn, 300, -1e300, 1e300)
    assert len(text) == len(drawn)
    assert all((one == " ") == (value is None) for one, value in zip(text, drawn, strict=True))
    assert {*text} <= {*BLOCKS, " "}
