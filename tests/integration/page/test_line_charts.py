# SPDX-License-Identifier: Apache-2.0
"""Charts over time: whatever the numbers, times and names, they are well-formed, within their bounds, and lead on."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.server.page.charts.svg_heat import MOST_CELLS, MOST_COLUMNS, HeatColumn, draw_heat
from otel_sqlite_exporter.server.page.charts.svg_lines import (
    MOST_MARKS,
    Line,
    Mark,
    draw_lines,
    draw_small,
    list_names,
)
from otel_sqlite_exporter.server.page.charts.time_labels import place_labels, write_time
from otel_sqlite_exporter.show.html_text import Html
from tests.integration.page.test_charts import HOSTILE, names, numbers, parse

times = st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e13, 1e13))
lines = st.lists(st.builds(Line, names, st.lists(st.tuples(times, numbers), max_size=20)), max_size=12)
marks = st.lists(st.builds(Mark, times, numbers, names, st.sampled_from([None, "/traces/1?span=%22"])), max_size=9)
COMMAND = re.compile(r"[ML]-?[\d.]+ -?[\d.]+(?:h0)?")


def read_numbers(chart: Html) -> list[float]:
    """The places of all lines, which are what a path may hold."""
    found = []
    for path in parse(chart).iter("path"):
        steps = path.attrib["d"]
        assert COMMAND.sub("", steps).strip() == ""
        found += [float(one) for one in re.findall(r"-?\d+\.\d+", steps)]
    return found


@settings(max_examples=50)
@given(lines, marks, st.booleans(), st.tuples(times, times))
def test_lines_are_within_their_bounds(drawn: list[Any], given_marks: list[Any], ground: bool, bounds: Any) -> None:
    first, last = min(bounds), max(bounds)
    kept = [Line(one.name, [(min(max(x, first), last), y) for x, y in one.points]) for one in drawn]
    chart = draw_lines(kept, caption=HOSTILE, times=(first, last), marks=given_marks, has_ground=ground)
    assert all(-0.01 <= number <= 1_000.01 for number in read_numbers(chart))
    root = parse(chart)
    known = [mark for mark in given_marks if mark.value is not None and is_finite(mark.value)]
    assert len([*root.iter("circle")]) == len(known)
    assert [one.attrib["href"] for one in root.iter("a")] == [mark.link for mark in known if mark.link]
    for circle in root.iter("circle"):
        assert 0 <= float(circle.attrib["cx"].rstrip("%")) <= 100
    assert len([*root.iter("path")]) == min(len(drawn), 8)
    legend = list_names(kept)
    assert (legend is None) == (len(drawn) < 2)


def is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


@settings(max_examples=50)
@given(st.lists(st.tuples(times, numbers), max_size=40))
def test_a_small_line_is_drawn_of_two_values(points: list[Any]) -> None:
    chart = draw_small(sorted(points, key=lambda point: point[0]))
    known = [value for _, value in points if value is not None and is_finite(value)]
    assert (chart is None) == (len(known) < 2)
    if chart is not None:
        assert all(-0.01 <= number <= 100.01 for number in read_numbers(chart))


@settings(max_examples=30)
@given(
    st.lists(st.builds(HeatColumn, times, st.lists(numbers, max_size=60)), max_size=200), st.lists(names, max_size=60)
)
def test_cells_are_bounded_and_say_their_numbers(columns: list[Any], cells: list[str]) -> None:
    root = parse(draw_heat(columns, cells, caption=HOSTILE, step_s=60))
    rects = [*root.iter("rect")]
    assert len(rects) <= MOST_COLUMNS * MOST_CELLS
    assert all(0 < float(rect.attrib["fill-opacity"]) <= 1 for rect in rects)
    assert all(": " in (rect.findtext("title") or "") for rect in rects)


def test_a_line_has_gaps_and_dots() -> None:
    chart = draw_lines([Line("a", [(0, 1), (1, None), (2, 3.0), (3, 2), (4, math.nan)])], caption="c", times=(0, 4))
    (path,) = ElementTree.fromstring(str(chart)).iter("path")
    assert path.attrib["d"].count("M") == 2
    assert path.attrib["d"].count("L") == 1
    assert len([*parse(draw_lines([], caption="c", times=(0, 0), marks=[Mark(0, 1, "x")] * 300)).iter("circle")]) == (
        MOST_MARKS
    )


def test_times_are_written_as_short_as_they_can_be() -> None:
    noon = 1_764_417_600
    assert write_time(noon) == "2025-11-29 12:00:00"
    assert write_time(noon, 600, 10) == "12:00:00"
    assert write_time(noon, 6_000, 10) == "12:00"
    assert write_time(noon, 7 * 86_400, 3_600) == "11-29 12:00"
    assert write_time(noon, 7 * 86_400, 86_400) == "11-29"
    assert write_time(1e300) == "9999-12-31 23:59:59"
    assert write_time(-1e300) == "0001-01-01 00:00:00"
    assert [*place_labels(0, 8)] == [0, 2, 4, 6, 8]
    assert [*place_labels(8, 8)] == [8]
