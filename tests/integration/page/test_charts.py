# SPDX-License-Identifier: Apache-2.0
"""Charts that the server draws: whatever the numbers and names, they are well-formed, bounded, and say the numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.server.page.charts.chart_values import MISSING, Bar, Stack, write_number
from otel_sqlite_exporter.server.page.charts.svg_bars import (
    make_bars,
    make_histogram,
    make_stacked_bars,
)
from otel_sqlite_exporter.show.html_text import Html

HOSTILE = "<script>alert(1)</script>\"' onload=x \u202e\x1b\ud800\uffff & ]]>"
numbers = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**400), 10**400),
    st.integers(0, 1000),
)
names = st.one_of(st.text(max_size=30), st.sampled_from(["gpt-4o", HOSTILE, "", "others"]))
bars = st.lists(st.builds(Bar, names, numbers, st.none(), st.sampled_from([None, "/calls?a=%22"]), names), max_size=30)
stacks = st.lists(st.builds(Stack, names, st.dictionaries(names, numbers, max_size=12)), max_size=12)


def parse(chart: Html) -> ElementTree.Element:
    """The chart as XML, which is well-formed, with no style and no number that cannot be drawn."""
    assert isinstance(chart, Html)
    root = ElementTree.fromstring(str(chart))
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("style", "onload", "onclick")
            assert name in ("title", "class", "data-label", "href") or not re.search("nan|inf", value, re.IGNORECASE)
            if name in ("width", "height", "y", "x") and element.tag == "rect":
                assert -1 <= float(value.rstrip("%")) <= 1_000
    return root


@settings(max_examples=30)
@given(bars)
def test_bars_say_what_they_show(drawn: list[Bar]) -> None:
    root = parse(make_bars(drawn, caption="how many"))
    rows = root.findall("./tbody/tr")
    assert len(rows) == len(drawn)
    for row, bar in zip(rows, drawn, strict=True):
        is_known = bar.value is not None and (isinstance(bar.value, int) or math.isfinite(bar.value))
        text = MISSING if bar.value is None or not is_known else write_number(bar.value)
        assert row.findtext("td[@class='number']") == text
        assert (row.find("th/a") is not None) == (bar.link is not None)
        drawn_part = row.find(".//rect")
        assert (drawn_part is not None) == bool(is_known and bar.value and bar.value > 0)


@settings(max_examples=30)
@given(stacks)
def test_columns_have_their_numbers_in_a_table(drawn: list[Stack]) -> None:
    root = parse(make_stacked_bars(drawn, caption="by day"))
    assert len(root.findall("svg/g")) == len(drawn)
    assert len(root.findall("details/table/tbody/tr")) == len(drawn)
    series = {name for stack in drawn for name in stack.parts}
    assert len(root.findall("details/table/thead/tr/th")) == min(len(series), 8)


@settings(max_examples=30)
@given(bars)
def test_a_histogram_is_drawn(drawn: list[Bar]) -> None:
    root = parse(make_histogram(drawn, caption="durations", with_numbers=False))
    assert len(root.findall("svg/g")) == len(drawn)
    assert root.find("details") is None


@pytest.mark.parametrize("make", [make_bars, make_histogram])
def test_what_is_hostile_is_text(make: Callable[..., Html]) -> None:
    chart = make([Bar(HOSTILE, 1), Bar("plain", 2)], caption=HOSTILE)
    parse(chart)
    assert "<script" not in chart
    assert "\u202e" not in chart
    assert "\\u202e\\x1b\\ud800" in chart


def test_the_sizes_are_in_proportion() -> None:
    root = parse(make_bars([Bar("a", 5), Bar("b", 10), Bar("c", -3)], caption="c"))
    assert [one.attrib["width"] for one in root.iter("rect")] == ["50.00%", "100.00%"]
    root = parse(make_stacked_bars([Stack("d1", {"x": 1, "y": 2}), Stack("d2", {"x": 6})], caption="c"))
    heights = [one.attrib["height"] for one in root.iter("rect") if one.attrib["class"].startswith("series")]
    assert heights == ["25.00", "50.00", "150.00", "100%", "100%"]


def test_what_is_too_much_is_counted_or_merged() -> None:
    assert "and 1,500 more" in make_bars([Bar(str(number), number) for number in range(2_000)], caption="c")
    root = parse(make_stacked_bars([Stack("day", {f"m{number}": 1 for number in range(20)})] * 1_000, caption="c"))
    assert len(root.findall("svg/g")) == 400
    assert [one.text for one in root.findall("details/table/tbody/tr[1]/td")] == ["1"] * 7 + ["13"]
