# SPDX-License-Identifier: Apache-2.0
"""Lines over time, also as small as a word. Where scripts run, `js/series.js` draws the same from the table beside it.

A line is a path in a drawing that is stretched to the width of the page. Texts and marks are beside it: they are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.server.page.charts.chart_values import Format, cut_label, float_of, write_number
from otel_sqlite_exporter.server.page.charts.svg_columns import MOST_SERIES, draw_swatch
from otel_sqlite_exporter.server.page.charts.time_labels import place_labels, write_time
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.visible_text import write_visible

MOST_MARKS = 200
"""The most marks on a chart."""
_TOP, _HEIGHT, _AXIS = 18, 200, 20
_WIDTH = 1_000
_ROOM = 20
"""A part of the height stays free above what is drawn, and below it."""
_SMALL_WIDTH, _SMALL_HEIGHT = 100, 24


class Line(NamedTuple):
    """A line: pairs of seconds since 1970 and a value, in the order of time. None, or a number that is not finite:
    there is no value then, and the line has a gap."""

    name: str
    points: Sequence[tuple[float, float | None]]


class Mark(NamedTuple):
    """A single value on a chart: what it is, and where it leads to, a path of the page."""

    time_s: float
    value: float | None
    text: str
    link: str | None = None


class _Scale(NamedTuple):
    """From times and values to places in the drawing."""

    first: float
    last: float
    low: float
    high: float

    def place(self, time_s: float, value: float, width: float, height: float) -> tuple[float, float]:
        return (
            width * (time_s - self.first) / ((self.last - self.first) or 1.0),
            height * (1 - (value / 2 - self.low / 2) / ((self.high / 2 - self.low / 2) or 1.0)),
        )


def draw_lines(
    lines: Sequence[Line],
    *,
    caption: str,
    times: tuple[float, float],
    format: Format = write_number,
    marks: Sequence[Mark] = (),
    has_ground: bool = True,
) -> Html:
    """Return the first eight lines between two times, in seconds since 1970, and up to 200 marks. With a ground, the
    scale begins at zero or below."""
    shown = lines[:MOST_SERIES]
    drawn_marks = [mark for mark in marks[:MOST_MARKS] if float_of(mark.value) is not None]
    values = [one for line in shown for _, value in line.points if (one := float_of(value)) is not None]
    values += [float_of(mark.value) or 0.0 for mark in drawn_marks]
    scale = _find_scale(values, times, has_ground=has_ground)
    said = f"{caption}: {len(shown)} {'line' if len(shown) == 1 else 'lines'}"
    if values:
        said = f"{said}, from {format(min(values))} to {format(max(values))}"
    paths = [_draw(line, scale, _WIDTH, _HEIGHT, f"line series-{at}") for at, line in enumerate(shown, 1)]
    box = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "preserveAspectRatio": "none"}
    return element(
        "svg",
        element("title", write_visible(said)),
        *_draw_grid(scale if values else None, format),
        element("svg", *paths, y=_TOP, width="100%", height=_HEIGHT, **box),
        *(_draw_mark(mark, scale) for mark in drawn_marks),
        *_label(times),
        role="group" if drawn_marks else "img",
        aria_label=write_visible(said),
        width="100%",
        height=_TOP + _HEIGHT + _AXIS,
        class_="columns lines",
    )


def list_names(lines: Sequence[Line]) -> Html | None:
    """Return the legend of a chart of several lines."""
    if len(lines) < 2:
        return None
    shown = [element("li", draw_swatch(at), " ", line.name) for at, line in enumerate(lines[:MOST_SERIES], 1)]
    return element("ul", join_html(*shown), class_="legend")


def draw_small(points: Sequence[tuple[float, float | None]]) -> Html | None:
    """Return a line as small as a word, for those who see it; None: there are not two values."""
    values = [one for _, value in points if (one := float_of(value)) is not None]
    if len(values) < 2:
        return None
    scale = _find_scale(values, (points[0][0], points[-1][0]), has_ground=False)
    return element(
        "svg",
        _draw(Line("", points), scale, _SMALL_WIDTH, _SMALL_HEIGHT, "line series-1"),
        viewBox=f"0 -2 {_SMALL_WIDTH} {_SMALL_HEIGHT + 4}",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="small-line",
    )


def _find_scale(values: Sequence[float], times: tuple[float, float], *, has_ground: bool) -> _Scale:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if has_ground:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (0.0, 1.0)
    room = high / _ROOM - low / _ROOM
    return _Scale(
        *times, low if has_ground and low == 0 else low - room, high if has_ground and high == 0 else high + room
    )


def _draw(line: Line, scale: _Scale, width: float, height: float, name: str) -> Html:
    steps = " ".join(_trace(line, scale, width, height))
    return element("path", element("title", write_visible(line.name)) if line.name else None, d=steps, class_=name)


def _trace(line: Line, scale: _Scale, width: float, height: float) -> Iterator[str]:
    """Yield the steps of a path. A value between two gaps is a dot: the line has round ends."""
    is_open = False
    for time_s, value in line.points:
        found = float_of(value)
        if found is None:
            is_open = False
            continue
        x, y = scale.place(time_s, found, width, height)
        yield f"L{x:.2f} {y:.2f}" if is_open else f"M{x:.2f} {y:.2f}h0"
        is_open = True


def _draw_mark(mark: Mark, scale: _Scale) -> Html:
    x, y = scale.place(mark.time_s, float_of(mark.value) or 0.0, 100, _HEIGHT)
    place = {"cx": f"{min(max(x, 0), 100):.3f}%", "cy": f"{_TOP + y:.2f}", "r": "4"}
    circle = element("circle", element("title", write_visible(mark.text)), **place, class_="chart-mark")
    return circle if mark.link is None else element("a", circle, href=mark.link, aria_label=write_visible(mark.text))


def _draw_grid(scale: _Scale | None, format: Format) -> Iterator[Html]:
    """Yield the lines at the top and at the bottom, and their values."""
    for place, name in ((_TOP, "grid"), (_TOP + _HEIGHT, "ground")):
        yield element("line", x1="0", x2="100%", y1=place, y2=place, class_=name)
    if scale is not None:
        text = f"{format(scale.low)} to {format(scale.high)}" if scale.low else format(scale.high)
        yield element("text", cut_label(text), x="0", y=_TOP - 5, class_="axis")


def _label(times: tuple[float, float]) -> Iterator[Html]:
    first, last = times
    labels = place_labels(first, last)
    for number, moment in enumerate(labels):
        side = "first" if number == 0 else "last" if number == len(labels) - 1 else "middle"
        x = f"{100 * number / max(len(labels) - 1, 1):.1f}%"
        name = f"axis axis-{side}{' axis-wide' if number % 2 else ''}"
        yield element("text", write_time(moment, last - first or 1, 60), x=x, y=_TOP + _HEIGHT + 15, class_=name)
