# SPDX-License-Identifier: Apache-2.0
"""The metrics of a shared session as tables. Every text stands there as plain text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.sharing.shared_metrics import HEADINGS, SharedMetric
from otel_sqlite_exporter.show.html_text import Html, element, join_html


def show_metric(metric: SharedMetric) -> Html:
    """Return the table of a metric."""
    head = element("tr", *(element("th", heading, scope="col") for heading in HEADINGS))
    rows = (_show_row(cells) for cells in metric.rows)
    return join_html(
        element("h3", metric.name or "(no name)"),
        element("p", metric.facts, class_="quiet"),
        element("p", metric.description, dir="auto") if metric.description else None,
        element("table", element("thead", head), element("tbody", *rows)),
        None if metric.note is None else element("p", metric.note, class_="quiet"),
    )


def _show_row(cells: Sequence[str]) -> Html:
    return element("tr", *(element("td", cell) for cell in cells))
