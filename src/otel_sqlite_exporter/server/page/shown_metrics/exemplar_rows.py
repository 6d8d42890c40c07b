# SPDX-License-Identifier: Apache-2.0
"""Exemplars as rows: the value, the metric that counts it, and the span that measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary
from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.server.page.charts.svg_lines import Mark
from otel_sqlite_exporter.server.page.page_links import link_series, link_trace
from otel_sqlite_exporter.server.page.shown_metrics.series_table import write_labels
from otel_sqlite_exporter.show.measures import format_measure

_LONGEST = 300


class ShownExemplar(NamedTuple):
    """An exemplar as it is shown.

    Attributes:
        value: With its unit; None: it has no number.
        span_link: Leads to its span; None: it names none.
        series_link: Leads to its metric, at its time.
        attributes: Those of its series, and of itself that the series lacks, in one line each.
    """

    exemplar: ExemplarSummary
    value: str | None
    span_link: str | None
    series_link: str
    labels: str
    attributes: str


def make_exemplar_rows(exemplars: Iterable[ExemplarSummary]) -> list[ShownExemplar]:
    """Return the rows of exemplars."""
    return [
        ShownExemplar(
            one,
            None if one.value is None else format_measure(one.value, one.unit),
            _link_span(one),
            link_series(one.name),
            _write(one.series_attributes),
            _write(one.attributes),
        )
        for one in exemplars
    ]


def make_marks(rows: Iterable[ShownExemplar]) -> list[Mark]:
    """Return exemplars as single values of a chart."""
    return [
        Mark(
            (row.exemplar.time_unix_nano or row.exemplar.point_time_unix_nano) / 1e9,
            row.exemplar.value,
            f"exemplar {row.value}: {(row.exemplar.span_name or 'its span')[:_LONGEST]}",
            row.span_link,
        )
        for row in rows
    ]


def _link_span(exemplar: ExemplarSummary) -> str | None:
    """Return the link to the span. Where the file lacks it, the trace may be there all the same, by its log records."""
    if exemplar.trace_id is None:
        return None
    return link_trace(exemplar.trace_id, span=exemplar.span_id if exemplar.span_name is not None else None)


def _write(text: str) -> str:
    attributes: Any = decode_json(text)
    return write_labels(attributes) if isinstance(attributes, Mapping) else ""
