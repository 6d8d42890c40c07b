# SPDX-License-Identifier: Apache-2.0
"""How values are spread, over time: a column of cells for each step, with more colour the more values are in a cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.server.page.charts.chart_values import cut_label, find_largest, read_size, write_number
from otel_sqlite_exporter.server.page.charts.time_labels import write_time
from otel_sqlite_exporter.show.html_text import Html, element
from otel_sqlite_exporter.show.visible_text import write_visible

MOST_COLUMNS, MOST_CELLS = 120, 40
"""The most steps, and the most cells of one."""
_ROW, _TOP, _AXIS = 12, 18, 20
_FAINTEST = 0.12


class HeatColumn(NamedTuple):
    """A step of time, in seconds since 1970, and how many values are in each cell, from the smallest up."""

    time_s: float
    counts: Sequence[float]


def draw_heat(columns: Sequence[HeatColumn], cells: Sequence[str], *, caption: str, step_s: float) -> Html:
    """Return the last 120 columns. `cells` are the labels of the cells: a text such as `0.1 to 0.5 s`."""
    shown, names = columns[-MOST_COLUMNS:], cells[:MOST_CELLS]
    largest = find_largest(read_size(amount) for column in shown for amount in column.counts)
    height = _ROW * max(len(names), 1)
    first, last = (shown[0].time_s, shown[-1].time_s) if shown else (0.0, 0.0)
    width = 100 / max(len(shown), 1)
    drawn = [one for at, column in enumerate(shown) for one in _draw(column, at * width, width, names, largest)]
    span_s = last - first + step_s
    said = f"{caption}: {count(len(shown), 'step')} of time and {count(len(names), 'range')} of values"
    return element(
        "svg",
        element("title", write_visible(said)),
        element("text", cut_label(names[-1]) if names else None, x="0", y=_TOP - 5, class_="axis"),
        *drawn,
        element("line", x1="0", x2="100%", y1=_TOP + height, y2=_TOP + height, class_="ground"),
        element("text", write_time(first, span_s, step_s), x="0", y=_TOP + height + 15, class_="axis"),
        element("text", write_time(last, span_s, step_s), x="100%", y=_TOP + height + 15, class_="axis axis-last"),
        role="img",
        width="100%",
        height=_TOP + height + _AXIS,
        class_="columns heat",
    )


def _draw(column: HeatColumn, x: float, width: float, names: Sequence[str], largest: float) -> Iterator[Html]:
    for number, (amount, name) in enumerate(zip(column.counts, names, strict=False)):
        size = read_size(amount)
        if size:
            text = f"{write_time(column.time_s)}, {name}: {write_number(size)}"
            yield element(
                "rect",
                element("title", write_visible(text)),
                x=f"{x:.3f}%",
                y=_TOP + _ROW * (len(names) - 1 - number),
                width=f"{width:.3f}%",
                height=_ROW,
                fill_opacity=f"{_FAINTEST + (1 - _FAINTEST) * math.sqrt(size / largest):.3f}",
                class_="heat-cell",
            )
