# SPDX-License-Identifier: Apache-2.0
"""The questions of `TelemetryDatabase` about metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from otel_sqlite_exporter.query.metric_series.exemplar_list import find_exemplars
from otel_sqlite_exporter.query.metric_series.metric_description import describe_metric
from otel_sqlite_exporter.query.metric_series.metric_list import find_metrics
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary, MetricDescription, MetricSummary
from otel_sqlite_exporter.query.metric_series.series_answers import MetricSeriesResult
from otel_sqlite_exporter.query.metric_series.series_reader import SeriesQuestion, read_metric_series
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import TelemetryFile

if TYPE_CHECKING:
    from otel_sqlite_exporter.query.askable_views import Texts, Time
    from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarFilter, MetricFilter, SeriesFilter


class MetricQuestions:
    """The questions about metrics. docs/metrics.md has what the answers mean."""

    _file: TelemetryFile

    def find_metrics(
        self, *, limit: int = 50, cursor: str | None = None, **filters: Unpack[MetricFilter]
    ) -> Page[MetricSummary]:
        """Find instruments, ordered by their names."""
        return self._file.read(find_metrics, limit=limit, cursor=cursor, filters=filters)

    def get_metric(self, name: str) -> MetricDescription:
        """Return what the file has of a metric: its instruments, services, and the keys of attributes with values.

        Raises:
            NotFoundError: There is no such metric; the error names those with a similar name.
        """
        return self._file.read(describe_metric, name)

    def find_exemplars(
        self, *, limit: int = 50, cursor: str | None = None, **filters: Unpack[ExemplarFilter]
    ) -> Page[ExemplarSummary]:
        """Find exemplars, the newest first."""
        return self._file.read(find_exemplars, limit=limit, cursor=cursor, filters=filters)

    def get_metric_series(
        self,
        name: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        step: float | str | None = None,
        aggregate: Texts | None = None,
        group_by: Texts = (),
        limit: int = 20,
        most_steps: int = 120,
        timezone: str = "UTC",
        **filters: Unpack[SeriesFilter],
    ) -> MetricSeriesResult:
        """Return lines over time of the metric `name`: one, or one for each group of series.

        Args:
            name: Of the metric.
            since: Where the range begins. Default: at the first point.
            until: Where it ends; exclusive. Default: after the last point.
            step: Seconds, or a text such as `30s`, `5m`, `1h` or `1d`; `all`: the range is one step; `raw`: every point
                as it is stored. Default: one that suits the range.
            aggregate: One or several of sum, increase, rate, last, avg, min, max, count, p50 and any other pN, buckets.
                Default: what suits the kind.
            group_by: Keys of attributes, service_name, session_id, user_id; `*`: each series alone. Default: all
                series are one line.
            limit: How many groups to return: those with the largest values.
            most_steps: How many steps there are at most if `step` is not given.
            timezone: Of days and weeks, and of times without an offset.
            filters: Which series.

        Raises:
            NotFoundError: There is no such metric; the error names those with a similar name.
        """
        keys: Sequence[str] = (group_by,) if isinstance(group_by, str) else tuple(group_by)
        asked = SeriesQuestion(name, since, until, step, aggregate, keys, limit, most_steps, timezone, filters)
        return self._file.read(read_metric_series, asked)
