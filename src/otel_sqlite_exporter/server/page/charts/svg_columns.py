# SPDX-License-Identifier: Apache-2.0
"""Columns of a chart with their axes, and the table of their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.server.page.charts.chart_values import (
    Format,
    Stack,
    find_largest,
    read_size,
    write_value,
)
from otel_sqlite_exporter.show.html_text import Html, element, join_html
from otel_sqlite_exporter.show.visible_text import write_visible

MOST_SERIES = 8
"""The number of colours."""
_MOST_COLUMNS = 400
_TOP, _HEIGHT, _AXIS = 18, 150, 20
_LABELS, _LEAST_SLOTS = 7, 8
Column = tuple[str, Sequence[float | None]]
"""The label of a column, and its parts in the order of the series."""


def draw_columns(columns: Sequence[Column], names: Sequence[str], format: Format) -> Html:
    """Return the columns, the last 400 of them."""
    shown = columns[-_MOST_COLUMNS:]
    totals = [sum(map(read_size, parts)) for _, parts in shown]
    largest, width = find_largest(totals), 100 / max(len(shown), _LEAST_SLOTS)
    drawn = [
        element(
            "g", element("title", write_visible(_describe(column, names, format))), *_draw(column, at, width, largest)
        )
        for at, column in enumerate(shown)
    ]
    said = f"{len(shown)} columns"
    if shown:
        said = f"{len(shown)} columns, {shown[0][0]} to {shown[-1][0]}, at most {format(max(totals))}"
    return element(
        "svg",
        element("title", write_visible(said)),
        element("line", x1="0", x2="100%", y1=_TOP, y2=_TOP, class_="grid"),
        element("text", format(max(totals)) if shown else None, x="0", y=_TOP - 5, class_="axis"),
        *drawn,
        element("line", x1="0", x2="100%", y1=_TOP + _HEIGHT, y2=_TOP + _HEIGHT, class_="ground"),
        *_label([label for label, _ in shown], width),
        role="img",
        width="100%",
        height=_TOP + _HEIGHT + _AXIS,
        class_="columns",
    )


def _draw(column: Column, at: int, width: float, largest: float) -> list[Html]:
    """Return the parts of a column, from the ground up, above what the mouse can point at."""
    drawn = [element("rect", x=f"{at * width:.3f}%", y=_TOP, width=f"{width:.3f}%", height=_HEIGHT, class_="hit")]
    ground = float(_TOP + _HEIGHT)
    for number, part in enumerate(column[1], 1):
        height = _HEIGHT * (read_size(part) / largest)
        ground -= height
        if height:
            place = {"x": f"{(at + 0.1) * width:.3f}%", "width": f"{width * 0.8:.3f}%", "y": f"{ground:.2f}"}
            drawn.append(element("rect", **place, height=f"{height:.2f}", class_=f"series-{number}"))
    return drawn


def _describe(column: Column, names: Sequence[str], format: Format) -> str:
    label, parts = column
    said = [f"{name} {write_value(part, format)}" for name, part in zip(names, parts, strict=True) if part is not None]
    if len(names) == 1:
        return f"{label}: {write_value(parts[0], format)}"
    return f"{label}: {', '.join(said)}"


def _label(labels: Sequence[str], width: float) -> list[Html]:
    """Return texts below some of the columns: as many as there is room for, and every other one on narrow windows."""
    step = max(-(-len(labels) // _LABELS), 1)
    return [
        _write_label(labels[at], (at + 0.5) * width, width, is_wide=bool(number % 2))
        for number, at in enumerate(range(0, len(labels), step))
    ]


def _write_label(label: str, middle: float, width: float, *, is_wide: bool) -> Html:
    """Return the text below a column. Those at the edges stay within the chart."""
    place, side = f"{middle:.3f}%", "middle"
    if middle < width:
        place, side = "0", "first"
    elif middle > 100 - width:
        place, side = "100%", "last"
    names = f"axis axis-{side} axis-wide" if is_wide else f"axis axis-{side}"
    return element("text", label[:24], x=place, y=_TOP + _HEIGHT + 15, class_=names)


def draw_swatch(number: int) -> Html:
    """Return the colour of a series, for a legend."""
    drawn = element("rect", width="100%", height="100%", rx=2, class_=f"series-{number}")
    return element("svg", drawn, aria_hidden="true", class_="swatch")


def show_numbers(stacks: Sequence[Stack], names: Sequence[str], format: Format) -> Html:
    """Return what the columns show as a table that can be opened."""
    head = [element("th", name, scope="col", class_="number") for name in names]
    rows = [
        element(
            "tr",
            element("th", stack.label, scope="row"),
            *(
                element("td", write_value(stack.parts.get(name), format), class_="number", data_label=name)
                for name in names
            ),
        )
        for stack in stacks[-_MOST_COLUMNS:]
    ]
    table = element(
        "table",
        element("thead", element("tr", element("td"), *head)),
        element("tbody", join_html(*rows)),
        class_="list",
    )
    return element("details", element("summary", "Numbers"), table)
