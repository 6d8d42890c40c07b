# SPDX-License-Identifier: Apache-2.0
"""What the file has of one metric: its instruments, its services, and the attributes of its series."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.query.aggregates.facets import Facet
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricDescription, MetricSummary
from otel_sqlite_exporter.query.reading import fetch_table
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

_MOST_SERIES = 10_000
_MOST = 100
_NAME_LENGTH = 200
_SHOWN_VALUES = 20
_NAMED = 3


class InstrumentFacts(NamedTuple):
    """What the points of an instrument have in common."""

    id: int
    kind: str
    unit: str
    temporality: str | None
    is_monotonic: int | None
    description: str


def describe_metric(connection: sqlite3.Connection, name: str) -> MetricDescription:
    """Return what the file has of a metric. The attributes are counted of 10,000 series.

    Raises:
        NotFoundError: There is no such metric.
    """
    find_instruments(connection, name)
    columns, rows = fetch_table(connection, Select(read_query("read_instruments"), {"name": name, "limit": _MOST}))
    instruments = tuple(MetricSummary.from_row(dict(zip(columns, row, strict=True))) for row in rows)
    keys: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    services: Counter[Any] = Counter()
    for _, _, service, _, _, _, text in connection.execute(
        read_query("read_series_of_name"), {"name": name, "limit": _MOST_SERIES}
    ):
        services[service] += 1
        for key, value in orjson.loads(text).items():
            keys[key][value if isinstance(value, (str, int, float, bool)) else orjson.dumps(value).decode()] += 1
    total = sum(instrument.series for instrument in instruments)
    facets = tuple(_make_facet(key, keys[key]) for key in sorted(keys))
    return MetricDescription(
        name, instruments, total, _make_facet("service_name", services), facets, total <= _MOST_SERIES
    )


def find_instruments(connection: sqlite3.Connection, name: Any) -> tuple[InstrumentFacts, ...]:
    """Return what the instruments of a name are.

    Raises:
        FilterError: The name is not a text.
        NotFoundError: There is none; the error names those with a similar name.
    """
    if not isinstance(name, str):
        raise FilterError("name", f"{name!r} is not text: give the name of a metric")
    found = connection.execute(read_query("find_instruments"), {"name": repair_text(name)[0]}).fetchall()
    if not found:
        raise NotFoundError(f"there is no metric {name!r}: {_suggest(connection, name)}")
    return tuple(InstrumentFacts(*row) for row in found)


def _suggest(connection: sqlite3.Connection, name: str) -> str:
    known = {known.lower(): known for (known,) in connection.execute(read_query("list_metric_names"))}
    close = get_close_matches(name.lower()[:_NAME_LENGTH], known, _NAMED)
    close = close or [one for one in known if name.lower() in one][:_NAMED]
    return f"did you mean {' or '.join(known[one] for one in close)}?" if close else "`metrics` lists them"


def _make_facet(field: str, counts: Mapping[Any, int]) -> Facet:
    values = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))
    return Facet(field, tuple(values[:_SHOWN_VALUES]), max(0, len(values) - _SHOWN_VALUES))
