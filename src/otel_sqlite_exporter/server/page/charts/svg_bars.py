# SPDX-License-Identifier: Apache-2.0
"""Bars, columns and histograms. Colours come from the classes of `css/charts.css`.

A screen reader gets the numbers as text: bars are rows of a table, and columns have a table beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.server.page.charts.chart_values import (
    Bar,
    Format,
    Stack,
    find_largest,
    float_of,
    read_size,
    write_number,
    write_value,
)
from otel_sqlite_exporter.server.page.charts.svg_columns import MOST_SERIES, draw_columns, draw_swatch, show_numbers
from otel_sqlite_exporter.show.html_text import Html, element, join_html

_MOST_BARS = 500
_TONES = frozenset(("error", "llm", "tool", "wait", "span"))
_OTHERS = "others"


def make_bars(bars: Sequence[Bar], *, caption: str, format: Format = write_number) -> Html:
    """Return horizontal bars as the rows of a table: label, bar, value. Of more than 500, the rest is counted."""
    largest = find_largest(read_size(bar.value) for bar in bars)
    rows = [_make_row(bar, largest, format) for bar in bars[:_MOST_BARS]]
    if len(bars) > _MOST_BARS:
        rest = f"and {len(bars) - _MOST_BARS:,} more"
        rows.append(element("tr", element("td", rest, colspan=3, class_="quiet")))
    return element("table", element("caption", caption), element("tbody", join_html(*rows)), class_="bars")


def _make_row(bar: Bar, largest: float, format: Format) -> Html:
    label = bar.label if bar.link is None else element("a", bar.label, href=bar.link)
    tone = f"bar-fill tone-{bar.tone}" if bar.tone in _TONES else "bar-fill"
    size = read_size(bar.value)
    drawn = element("rect", width=f"{100 * size / largest:.2f}%", height="100%", rx=2, class_=tone)
    return element(
        "tr",
        element("th", label, scope="row", title=bar.label[:500]),
        element("td", element("svg", drawn if size else None, aria_hidden="true"), class_="bar"),
        element("td", write_value(bar.value, format) if bar.text is None else bar.text, class_="number"),
    )


def make_stacked_bars(
    stacks: Sequence[Stack], *, caption: str, format: Format = write_number, with_numbers: bool = True
) -> Html:
    """Return columns of several parts, such as the tokens of each day by model, with a legend. The largest series have
    colours of their own. The numbers stand below as a table, unless the page has them elsewhere."""
    names, merged = _merge_series(stacks)
    legend = [element("li", draw_swatch(at), " ", name) for at, name in enumerate(names, 1)]
    return element(
        "figure",
        element("figcaption", caption),
        draw_columns([(stack.label, [stack.parts.get(name) for name in names]) for stack in merged], names, format),
        element("ul", join_html(*legend), class_="legend") if len(names) > 1 else None,
        show_numbers(merged, names, format) if with_numbers else None,
        class_="chart",
    )


def _merge_series(stacks: Sequence[Stack]) -> tuple[list[str], list[Stack]]:
    """Return the names of the series, the largest first, and the columns. What is too small for a colour is one."""
    sums: dict[str, float] = {}
    for stack in stacks:
        for name, value in stack.parts.items():
            sums[name] = sums.get(name, 0.0) + read_size(value)
    names = sorted(sums, key=lambda name: -sums[name])
    if len(names) <= MOST_SERIES:
        return names, [*stacks]
    kept = names[: MOST_SERIES - 1]
    others = next(name for name in (_OTHERS, f"{_OTHERS} (sum)", f"all {_OTHERS}") if name not in kept)
    return [*kept, others], [_merge(stack, kept, others) for stack in stacks]


def _merge(stack: Stack, kept: Sequence[str], others: str) -> Stack:
    rest = [float_of(value) for name, value in stack.parts.items() if name not in kept]
    parts = {name: stack.parts[name] for name in kept if name in stack.parts}
    return Stack(stack.label, {**parts, **({others: sum(value or 0.0 for value in rest)} if any(rest) else {})})


def make_histogram(
    bars: Sequence[Bar], *, caption: str, format: Format = write_number, with_numbers: bool = True
) -> Html:
    """Return columns, one for each step of a distribution, in the order that is given."""
    stacks = [Stack(bar.label, {caption: bar.value}) for bar in bars]
    return make_stacked_bars(stacks, caption=caption, format=format, with_numbers=with_numbers)
