# SPDX-License-Identifier: Apache-2.0
"""The rows that lists of metrics return, and what they can be asked by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from otel_sqlite_exporter.query.aggregates.facets import Facet
from otel_sqlite_exporter.query.askable_views import Attributes, Texts, Time
from otel_sqlite_exporter.query.pages import ViewRow


@dataclass(frozen=True, slots=True, repr=False)
class MetricSummary(ViewRow):
    """One row of the view `metrics`: an instrument."""

    VIEW = "metrics"
    ATTRIBUTES = "metadata"
    JSON = frozenset(("services", "metadata_types", "metadata"))

    id: int
    name: str
    kind: str
    unit: str
    temporality: str | None
    is_monotonic: int | None
    description: str
    scope_name: str | None
    scope_version: str | None
    series: int
    services: str
    first_time_unix_nano: int | None
    last_time_unix_nano: int | None
    first_time: str | None
    last_time: str | None
    late_points: int | None
    refused_points: int | None
    metadata_types: str | None
    metadata: str


@dataclass(frozen=True, slots=True, repr=False)
class ExemplarSummary(ViewRow):
    """One row of the view `exemplars`: a value that a point counts, and the span that measured it."""

    VIEW = "exemplars"
    JSON = frozenset(("attributes", "attribute_types", "series_attributes", "series_attribute_types"))

    name: str
    kind: str
    unit: str
    series_id: int
    service_name: str
    point_time_unix_nano: int
    point_start_time_unix_nano: int | None
    ordinal: int
    time_unix_nano: int | None
    time: str | None
    value: float | None
    value_type: str | None
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    span_name: str | None
    attribute_types: str | None
    attributes: str
    series_attribute_types: str | None
    series_attributes: str


@dataclass(frozen=True, slots=True)
class MetricDescription:
    """What the file has of one name.

    Attributes:
        name: Of the metric.
        instruments: Of this name: more than one if programs disagree about kind, unit, temporality or description.
        series: How many there are.
        services: Those that have series, each with how many.
        attributes: The keys that series have, each with its most frequent values and in how many series.
        is_whole: Whether all series were looked at.
    """

    name: str
    instruments: tuple[MetricSummary, ...]
    series: int
    services: Facet
    attributes: tuple[Facet, ...]
    is_whole: bool

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        return {
            "name": self.name,
            "instruments": [instrument.to_dict() for instrument in self.instruments],
            "series": self.series,
            "services": self.services.to_dict(),
            "attributes": [facet.to_dict() for facet in self.attributes],
            "is_whole": self.is_whole,
        }


class ExemplarFilter(TypedDict, total=False):
    """Exemplars at or after `since` and before `until`, of these metrics, or of spans of this trace. `kind`, `unit`,
    `user_id` and `attributes` choose series of a metric, and need its `name`."""

    name: Texts
    trace_id: Texts
    span_id: Texts
    service_name: Texts
    session_id: Texts
    since: Time
    until: Time
    kind: Texts
    unit: Texts
    user_id: Texts
    attributes: Attributes


class MetricFilter(TypedDict, total=False):
    """Instruments with a point at or after `since` and one before `until`. In `name`, `*` stands for any characters.
    `service_name`, `session_id` and `user_id` each match an instrument that has such a series."""

    name: Texts
    kind: Texts
    unit: Texts
    service_name: Texts
    session_id: Texts
    user_id: Texts
    since: Time
    until: Time


class SeriesFilter(TypedDict, total=False):
    """Series of a metric. `attributes` are those that the points of a series share."""

    kind: Texts
    unit: Texts
    service_name: Texts
    session_id: Texts
    user_id: Texts
    attributes: Attributes
