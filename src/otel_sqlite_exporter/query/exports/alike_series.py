# SPDX-License-Identifier: Apache-2.0
"""Tells series apart that redaction made alike: their attributes differed only in what is masked or left out.

An export reads one series after the other, so their points cannot be added up as those of one collection are.
"""

from __future__ import annotations

from collections import Counter

from otel_sqlite_exporter.encode.metric_encoding.series_encoder import SeriesEncoder
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor

SERIES_KEY = "redacted.series"
"""The attribute of the second, the third, ... of series that are alike: its number."""


class AlikeSeries:
    """Redacts the points of one export, in which those of a series stand together."""

    def __init__(self, redactor: RowRedactor) -> None:
        self._redactor = redactor
        self._encoder = SeriesEncoder(())
        self._alike: Counter[str] = Counter()
        self._last, self._number = -1, 0

    def redact_point(self, series: int, point: PointFields) -> PointFields:
        """Return a data point of the series with this id."""
        redacted = self._redactor.redact_point(point)
        if series != self._last:
            digest = self._encoder.encode(redacted)[0].row.digest
            self._alike[digest] += 1
            self._last, self._number = series, self._alike[digest]
        if self._number == 1:
            return redacted
        return redacted._replace(attributes={**redacted.attributes, SERIES_KEY: self._number})
