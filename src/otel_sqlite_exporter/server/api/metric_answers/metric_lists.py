# SPDX-License-Identifier: Apache-2.0
"""The lists about metrics, which have an order of their own, and how their pages are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.metric_records.metric_signals import KINDS
from otel_sqlite_exporter.query.metric_series.metric_summaries import (
    ExemplarFilter,
    ExemplarSummary,
    MetricFilter,
    MetricSummary,
)
from otel_sqlite_exporter.query.pages import Page, field_types
from otel_sqlite_exporter.server.api.api_answers import DataAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters

_PAGE = 500


def make_metric_filters(filter_type: type) -> tuple[Parameter, ...]:
    """Return the parameters for the filters of metrics or series that a class declares."""
    return make_filters(filter_type, {"kind": KINDS})


class MetricList(NamedTuple):
    """A list: the class of its rows, the class that declares its filters, and the method of the reader that finds
    it."""

    row_type: type[Any]
    filter_type: type
    finder: str

    def find(self, backend: ApiBackend, arguments: Arguments) -> Page[Any]:
        """Return a page: the arguments are the keywords of the method."""
        page: Page[Any] = getattr(backend.database, self.finder)(**arguments)
        return page

    @property
    def filters(self) -> tuple[Parameter, ...]:
        """The parameters of its filters."""
        return make_metric_filters(self.filter_type)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its rows."""
        return tuple(field_types(self.row_type))


METRIC_LISTS: Mapping[str, MetricList] = {
    "metrics": MetricList(MetricSummary, MetricFilter, "find_metrics"),
    "exemplars": MetricList(ExemplarSummary, ExemplarFilter, "find_exemplars"),
}
"""By their names in the API."""


def list_metric_rows(name: str) -> Callable[[ApiBackend, Arguments], DataAnswer]:
    """Return what answers with a page of the list `name`."""

    def answer(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
        page = METRIC_LISTS[name].find(backend, arguments)
        return DataAnswer(page.to_dicts(), page.cursor, page.total, page.cursor is not None)

    return answer


def iterate_metric_rows(backend: ApiBackend, name: str, filters: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """Yield the columns of all rows of the list `name` that meet the filters, in its order."""
    listed, cursor = METRIC_LISTS[name], None
    while True:
        page = listed.find(backend, {**filters, "limit": _PAGE, "cursor": cursor})
        yield from ([getattr(row, column) for column in listed.columns] for row in page)
        cursor = page.cursor
        if cursor is None:
            return
