# SPDX-License-Identifier: Apache-2.0
"""The pages of metrics in a browser: plots that follow what is written, keys, and what a plot has without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from otel_sqlite_exporter.model.metric_records.metric_signals import DistributionFields, ExemplarFields
from tests.browser.conftest import Open
from tests.browser.visits import Visit
from tests.metric_files import at, counter, histogram, make_point, write_points
from tests.page_server import PageClient, browsing

ROOT_IS_KEPT = "document.querySelector('#plot-1 > .uplot') === window.seen"

pytestmark = pytest.mark.slow


def write(path: Path, *minutes: int) -> None:
    """Requests and durations by route, as they are read each minute."""
    points = []
    for minute in minutes:
        for route in ("/buy", "/look"):
            attributes = {"http.route": route}
            points.append(make_point(counter(), 60 * minute, 5 * minute, start=0, attributes=attributes))
            measured = DistributionFields(minute, 0.3 * minute, bounds=[0.1, 1], counts=[0, minute, 0])
            exemplars = [ExemplarFields(0.25, at(60 * minute - 1), 7, 9, {})]
            points.append(
                make_point(
                    histogram(), 60 * minute, start=0, attributes=attributes, distribution=measured, exemplars=exemplars
                )
            )
    write_points(path, points)


@pytest.fixture
def growing(path: Path) -> Iterator[PageClient]:
    write(path, *range(1, 11))
    with browsing(path) as client:
        yield client


def open_live(visit: Open, client: PageClient, link: str) -> Visit:
    tab = visit(client)
    tab.open(link)
    expect(tab.page.locator(".live-state")).to_have_text("Live")
    return tab


def test_a_plot_follows_what_is_written(visit: Open, growing: PageClient, path: Path) -> None:
    tab = open_live(visit, growing, "/series/requests?group_by=http.route&step=1m")
    rows = tab.page.locator("#figure-1 tr[data-x]")
    before = rows.count()
    expect(tab.page.locator("#plot-1 .u-series")).to_have_count(3)
    tab.page.locator("#figure-1 .numbers summary").click()
    tab.evaluate("() => { window.seen = document.querySelector('#plot-1 > .uplot'); }")
    write(path, 11, 12, 13)
    expect(rows).to_have_count(before + 3)
    assert tab.evaluate(ROOT_IS_KEPT)
    expect(tab.page.locator("#figure-1 .numbers")).to_have_attribute("open", "")
    expect(tab.page.locator("#figure-1 > svg.lines")).to_be_hidden()
    tab.check()


def test_the_list_follows_too(visit: Open, growing: PageClient, path: Path) -> None:
    tab = open_live(visit, growing, "/series")
    expect(tab.page.locator("tbody tr")).to_have_count(2)
    write_points(path, [make_point(counter("later"), 60, 1)])
    expect(tab.page.locator("tbody tr")).to_have_count(3)
    expect(tab.page.locator("[data-fresh]")).to_contain_text("later")


def test_arrows_go_through_the_times_of_a_plot(visit: Open, growing: PageClient) -> None:
    tab = open_live(visit, growing, "/series/requests?step=1m")
    time = tab.page.locator("#plot-1 .u-series .u-value").first
    tab.page.locator("#plot-1").focus()
    tab.page.keyboard.press("ArrowRight")
    first = time.inner_text()
    tab.page.keyboard.press("ArrowRight")
    expect(time).not_to_have_text(first)


def test_exemplars_are_dots_on_a_plot_and_links_without_scripts(visit: Open, growing: PageClient) -> None:
    link = "/series/duration?aggregate=p50"
    tab = open_live(visit, growing, link)
    expect(tab.page.locator("#plot-1 .u-series").last).to_contain_text("exemplars")
    without = visit(growing, scripts=False)
    without.open(link)
    marks = without.page.locator("svg.lines a circle")
    assert marks.count() == without.count(".exemplars tbody tr")
    assert without.page.locator("svg.lines a").first.get_attribute("href") == f"/traces/{7:032x}"
    expect(without.page.locator("#figure-1 > svg.lines")).to_be_visible()


def test_a_row_is_opened_by_keys_and_left_again(visit: Open, growing: PageClient) -> None:
    tab = open_live(visit, growing, "/")
    for key in ("g", "m"):
        tab.page.keyboard.press(key)
    tab.page.wait_for_url("**/series")
    for key in ("j", "Enter"):
        tab.page.keyboard.press(key)
    tab.page.wait_for_url("**/series/duration")
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_url("**/series")


@pytest.mark.parametrize("width", [390, 1280])
def test_all_that_is_folded_is_whole_and_has_no_barrier(visit: Open, growing: PageClient, width: int) -> None:
    tab = visit(growing, width, "dark")
    for link in ("/series/duration?group_by=http.route", "/series/duration?step=raw", "/series/requests?since=1d"):
        tab.try_to_open(link)
        tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert tab.find_barriers() == []
        assert not tab.is_wider_than_its_window()
