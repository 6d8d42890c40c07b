# SPDX-License-Identifier: Apache-2.0
"""What a shared session measured: of each series what it counted, or its last value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.metric_records.metric_signals import GAUGE, SUM
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.show.measures import format_measure
from otel_sqlite_exporter.show.units import format_iso_time
from otel_sqlite_exporter.sql.texts import read_query

MOST_INSTRUMENTS, MOST_SERIES = 200, 50
_LONGEST = 1_000
HEADINGS = ("attributes", "value", "first point", "last point")


class SharedMetric(NamedTuple):
    """An instrument: its `facts` (kind, unit and such), and a row for each series, with cells as in `HEADINGS`. `note`
    tells of series that are left out."""

    name: str
    facts: str
    description: str
    rows: Sequence[Sequence[str]]
    note: str | None


def read_shared_metrics(file: TelemetryFile) -> Sequence[SharedMetric]:
    """Return the metrics of a masked file, by their names: the first 200, and of each the first 50 series."""
    limits = {"instruments": MOST_INSTRUMENTS, "series": MOST_SERIES}
    rows = file.read(fetch, Select(read_query("sum_series"), limits))
    return [_make_metric([*found]) for _, found in groupby(rows, itemgetter("instrument"))]


def _make_metric(rows: Sequence[dict[str, Any]]) -> SharedMetric:
    first = rows[0]
    unit = f"in {first['unit']}" if first["unit"] else None
    facts = [first["kind"].replace("_", " "), first["temporality"], unit]
    more = first["series"] - len(rows)
    return SharedMetric(
        name=_cut(first["name"]),
        facts=_cut(", ".join(fact for fact in facts if fact)),
        description=_cut(first["description"]),
        rows=[_make_cells(row) for row in rows],
        note=f"The first {len(rows)} of {count(first['series'], 'series', 'series')}." if more else None,
    )


def _make_cells(row: dict[str, Any]) -> Sequence[str]:
    attributes = ", ".join(f"{key}: {_write(value)}" for key, value in orjson.loads(row["attributes"]).items())
    times = (row["first_time_unix_nano"], row["last_time_unix_nano"])
    return (_cut(attributes), " · ".join(_tell_value(row)), *map(format_iso_time, times))


def _tell_value(row: dict[str, Any]) -> Iterator[str]:
    """Yield what a series counted; of a gauge, of a sum that may fall, and where that is not known, the last value."""
    unit = row["unit"]
    if row["kind"] not in (GAUGE, SUM):
        if row["count_delta"] is not None:
            yield f"{row['count_delta']:,.0f} measured"
        if row["sum_delta"] is not None:
            yield f"{format_measure(row['sum_delta'], unit)} in all"
    elif row["is_monotonic"] and row["delta"] is not None:
        yield f"{format_measure(row['delta'], unit)} in all"
    elif row["value"] is not None:
        yield f"{format_measure(row['value'], unit)} at last"


def _write(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode("utf-8", "replace")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
