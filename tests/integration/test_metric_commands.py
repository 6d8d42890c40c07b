# SPDX-License-Identifier: Apache-2.0
"""The commands about metrics, on a file with points of every kind."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.cli.metering.metric_commands import METRIC_KINDS
from otel_sqlite_exporter.model.metric_records.metric_signals import GAUGE, KINDS, InstrumentFields, PointFields
from otel_sqlite_exporter.show.line_plot import draw_line, find_bounds, shorten
from tests.commands import run, run_on_terminal
from tests.sample_points import MINUTE_NS, RESOURCE, SCOPE, encode_points, make_points, write_points
from tests.sample_traces import NOON_NS

NAMES = [
    *("gen_ai.client.token.usage", "http.server.request.duration", "shop.heap", "shop.open"),
    *("shop.requests", "shop.sizes", "shop.waits"),
]
HOSTILE = "evil\x1b[31m\u202e<b>"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metrics") / "otel.db"
    write_points(path, encode_points(make_points(30)))
    return path


def ask(*arguments: object) -> str:
    code, out, err = run(*arguments)
    assert code == 0, err
    return out


def ask_json(*arguments: object) -> Any:
    return json.loads(ask(*arguments, "--json"))


def test_metrics_are_listed_by_name(shop: Path) -> None:
    listed = ask_json("metrics", shop)
    assert [metric["name"] for metric in listed["metrics"]] == NAMES
    assert listed["total"] == len(NAMES)
    lines = ask("metrics", shop).splitlines()
    assert lines[0] == "metrics (7 of 7)"
    assert [line.split()[0] for line in lines[2:]] == NAMES


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--name", "shop.*"], NAMES[2:]),
        (["--name", "*.usage", "--name", "shop.open"], [NAMES[0], NAMES[3]]),
        (["--kind", "histogram"], NAMES[:2]),
        (["--service", "shop", "-n", "2"], NAMES[:2]),
        (["--service", "nobody"], []),
        (["--user", "ada"], [NAMES[1], NAMES[4]]),
        (["--session", "chat-17", "--name", "shop.heap"], ["shop.heap"]),
        (["--session", "chat", "--name", "shop.heap"], ["shop.heap"]),
        (["--since", "2026-03-01"], []),
    ],
)
def test_a_list_has_what_is_asked_for(shop: Path, options: list[str], names: list[str]) -> None:
    assert [metric["name"] for metric in ask_json("metrics", *options, shop)["metrics"]] == names


def test_the_pages_of_a_list_are_all_of_it(shop: Path) -> None:
    names, cursor = [], None
    while True:
        page = ask_json("metrics", shop, "-n", 3, *(["--cursor", cursor] if cursor else []))
        names += [metric["name"] for metric in page["metrics"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert names == NAMES


def test_csv_has_a_row_for_each_metric(shop: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("metrics", "--csv", shop))))
    assert [row["name"] for row in rows] == NAMES
    assert {row["services"] for row in rows} == {'["shop"]'}


def test_a_file_without_metrics_says_what_to_do(path: Path) -> None:
    assert run("migrate", path)[0] == 0
    code, out, err = run("metrics", path)
    assert (code, out.splitlines()[0]) == (0, "metrics (0 of 0)")
    assert "OTEL_METRICS_EXPORTER=sqlite" in err


def test_a_line_for_each_group_adds_up_to_what_came(shop: Path) -> None:
    whole = ask_json("metric", "shop.requests", "--aggregate", "increase", "--step", "7m", shop)
    groups = ask_json("metric", "shop.requests", "-a", "increase", "-g", "http.route", shop)
    assert [line["labels"] for line in groups["series"]] == [{"http.route": "/buy"}, {"http.route": "/look"}]
    for answer in (whole, groups):
        points = [point["value"] for line in answer["series"] for point in line["points"]]
        assert sum(value for value in points if value is not None) == 2 * 3 * 30
    one = ask_json("metric", "shop.requests", "-a", "increase", "--attribute", "http.route=/buy", shop)
    assert sum(point["value"] or 0 for line in one["series"] for point in line["points"]) == 3 * 30


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_is_plotted(shop: Path, name: str) -> None:
    out = ask("metric", name, shop)
    assert out.startswith(f"metric {name}\n")
    assert "█" in out
    assert "over time" in out
    terminal = run_on_terminal("metric", name, shop)
    assert name in terminal


def test_the_legend_says_what_came_in_the_whole_time(shop: Path) -> None:
    lines = ask("metric", "shop.requests", "-g", "http.route", shop).partition("\nlines\n")[2].splitlines()
    assert lines[0].split()[:4] == ["line", "aggregate", "whole_time", "amount"]
    assert [line.split()[4:6] for line in lines[1:]] == [["90", "request"]] * 2
    assert "amount" not in ask("metric", "shop.heap", shop).partition("\nlines\n")[2]


def test_csv_has_whole_numbers_as_they_are(shop: Path) -> None:
    rows = ask("metric", "shop.requests", "-a", "increase", "-a", "rate", "--step", "all", "--csv", shop).splitlines()
    assert rows[1].endswith(",increase,180")


def test_the_kinds_of_the_option_are_those_there_are() -> None:
    assert METRIC_KINDS == KINDS


def test_points_are_shown_as_they_are_stored(shop: Path) -> None:
    out = ask("metric", "shop.heap", "--raw", shop)
    assert len([line for line in out.splitlines() if line.lstrip().startswith("2026-01-31T")]) == 30
    answer = ask_json("metric", "shop.open", "--raw", shop)
    assert [point["value"] for point in answer["series"][0]["points"]][:3] == [4, 3, 5]


def test_buckets_and_exemplars_are_shown(shop: Path) -> None:
    out = ask("metric", "http.server.request.duration", "--buckets", "--exemplars", shop)
    assert "up to 300 ms" in out
    assert f"{30:032x}" in out
    answer = ask_json("metric", "http.server.request.duration", "--exemplars", shop)
    assert {one["trace_id"] for one in answer["exemplars"]} >= {f"{30:032x}"}
    few = ask_json("metric", NAMES[1], "--exemplars", "--attribute", "http.route=/buy", shop)["exemplars"]
    assert {one["series_attributes"]["http.route"] for one in few} == {"/buy"}
    same = ask_json("metric", NAMES[1], "--exemplars", "--unit", "s", "--kind", "histogram", shop)
    assert same["exemplars"] == answer["exemplars"]
    code, _, err = run("metric", "shop.open", "--buckets", shop)
    assert code == 2
    assert "a sum has no buckets" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop.opn"], "shop.open"),
        (["shop.open", "--raw", "--step", "5m"], "--raw"),
        (["shop.open", "--step", "often"], "step"),
        (["shop.open", "--aggregate", "p95"], "p95"),
        (["shop.open", "--json", "--csv"], "only one of"),
        (["shop.open", "--session", "nobody"], "nobody"),
    ],
)
def test_a_question_without_an_answer_says_why(shop: Path, arguments: list[str], said: str) -> None:
    code, out, err = run("metric", *arguments, shop)
    assert (code, out) == (2, "")
    assert said in err


def test_csv_has_a_row_for_each_point(shop: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("metric", "shop.open", "-a", "last", "--csv", shop))))
    assert [row["value"] for row in rows if row["value"]][:3] == ["4", "3", "5"]


def test_csv_of_stored_points_and_of_buckets_has_all_of_them(shop: Path) -> None:
    points = list(csv.DictReader(io.StringIO(ask("metric", NAMES[1], "--raw", "--csv", shop))))
    file_rows = json.loads(ask("metric", NAMES[1], "--raw", "--json", shop))["series"]
    expected = [(str(one["count"]), one["buckets"]) for line in file_rows for one in line["points"]]
    assert [(row["count"], json.loads(row["buckets"])) for row in points] == expected
    steps = list(csv.DictReader(io.StringIO(ask("metric", NAMES[1], "--buckets", "--csv", shop))))
    spread = [row for row in steps if row["aggregate"] == "buckets"]
    answer = json.loads(ask("metric", NAMES[1], "--buckets", "--json", shop))["series"]
    counted: list[Any] = [point for line in answer if line["aggregate"] == "buckets" for point in line["points"]]
    buckets = [
        ["" if one[key] is None else str(one[key]) for key in ("lower", "upper", "count")]
        for point in counted
        for one in point["buckets"]
    ]
    assert [[row["lower"], row["upper"], row["value"]] for row in spread] == buckets
    assert sum(float(row["value"]) for row in spread) == sum(point["value"] or 0 for point in counted) > 0


def test_a_time_without_points_says_so(shop: Path) -> None:
    assert "no points" in ask("metric", "shop.open", "--since", "2001-01-01", "--until", "2001-01-02", shop)


def test_hostile_text_and_odd_values_are_harmless(path: Path) -> None:
    instrument = InstrumentFields(HOSTILE, HOSTILE, HOSTILE, GAUGE)
    values = [1.5, math.nan, math.inf, None, -2.0]
    points = [
        PointFields(
            instrument, {HOSTILE: HOSTILE}, None, NOON_NS + place * MINUTE_NS, 0, value, None, [], RESOURCE, SCOPE
        )
        for place, value in enumerate(values)
    ]
    write_points(path, encode_points(iter(points)))
    for arguments in (
        ["metrics"],
        ["metric", HOSTILE],
        ["metric", HOSTILE, "-g", HOSTILE],
        ["metric", HOSTILE, "--raw"],
    ):
        for text in (ask(*arguments, path), run_on_terminal(*arguments, path, NO_COLOR="1")):
            assert "\x1b[31m" not in text
            assert "\u202e" not in text
    assert "\\x1b" in ask("metrics", path)


def test_a_plot_is_as_high_as_its_values() -> None:
    assert draw_line([0, 4, 8, None, math.nan], 0, 8, 1) == ["▁▄█  "]
    assert draw_line([0, 4, 8], 0, 8, 2) == ["  █", "▁██"]
    assert draw_line([-1, 1], -1, 1, 1) == ["▁█"]
    assert draw_line([3], 3, 3, 1) == ["█"]
    assert draw_line([0, 0], 0, 0, 2) == ["  ", "▁▁"]
    assert find_bounds([None, math.inf]) is None
    assert find_bounds([2, 5]) == (0, 5)
    assert find_bounds([-2, None]) == (-2, 0)
    assert shorten([1, 2, None, None, -9, 3], 3) == ([2, None, -9], 2)
    assert shorten([], 3) == ([], 1)
