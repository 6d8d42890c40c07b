# SPDX-License-Identifier: Apache-2.0
"""What `doctor` says of metrics: series that explode, points that are not stored, and points that come late."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import orjson

from otel_sqlite_exporter.declarations import name_variable
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.sql.texts import read_query

_DAY_S = 86_400
_RECENT_DAYS, _TOLD_DAYS = 2, 30
_MANY_SERIES = 1_000
_MOST_NAMED = 3
_SAMPLED_SERIES = 10_000
"""Series of an instrument whose attributes are looked at: the newest ones."""
_FEWER = "leave out the attribute where it is measured: docs/metrics.md#too-many-series"


class GrowthFinding(NamedTuple):
    """One thing to know, and the remedy. A `note` needs no action."""

    severity: Literal["problem", "note"]
    what: str
    remedy: str


def describe_growth(connection: sqlite3.Connection, most_new_series: int) -> Iterator[GrowthFinding]:
    """Yield what is to be known of the metrics of a file. `most_new_series` is how many series a day may bring, by the
    settings of here.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    exploding = _describe_exploding(connection)
    since = time.time() // _DAY_S - _TOLD_DAYS
    refused = connection.execute(read_query("find_refused_days"), {"since": since}).fetchall()
    if refused:
        yield _describe_refused(refused, exploding, most_new_series)
    elif exploding:
        yield GrowthFinding("note", f"many series: {exploding}", _FEWER)
    for points, instruments, name, is_late, _ in connection.execute(read_query("sum_late_points")):
        found = count(points, "data point", "data points")
        most = f"{name} has most of them" if instruments > 1 else f"all of {name}"
        if is_late:
            what = f"{found} came after a later one of the same series ({most})"
            remedy = "nothing is lost; where several processes write one series, give each a service.instance.id"
        else:
            what = f"{found} not stored, as their hour had become one point ({most})"
            remedy = f"raise {name_variable('metrics_raw_days')}, or find out why they come so late"
        yield GrowthFinding("note", what, remedy)


def _describe_refused(refused: Sequence[tuple[int, int, int]], exploding: str, most: int) -> GrowthFinding:
    day, _, points = refused[0]
    date = datetime.fromtimestamp(day * _DAY_S, UTC).date()
    earlier = f", and {sum(row[2] for row in refused[1:])} on days before" if refused[1:] else ""
    limit = f"the limit of a day is {most}, by {name_variable('metric_new_series')}"
    what = f"{count(points, 'data point')} of new series not stored on {date}{earlier} ({limit})"
    is_recent = day > time.time() // _DAY_S - _RECENT_DAYS
    named = f"; most series: {exploding}" if exploding else ""
    return GrowthFinding("problem" if is_recent else "note", what + named, f"{_FEWER}; or raise the limit")


def _describe_exploding(connection: sqlite3.Connection) -> str:
    """Return the instruments with the most series, each with the keys that make them; empty: none has many."""
    values = {"instruments": _MOST_NAMED, "least": _MANY_SERIES, "sampled": _SAMPLED_SERIES}
    told = []
    for name, series, sampled, keys in connection.execute(read_query("find_exploding_instruments"), values):
        most = sorted(orjson.loads(keys), key=lambda one: (-one[1], one[0]))
        found = [
            f"{key} {number if series == sampled else f'{number} of {sampled}'}"
            for key, number in most[:_MOST_NAMED]
            if number > sampled // 10
        ]
        values_of = f" (values: {', '.join(found)})" if found else ""
        told.append(f"{name} has {count(series, 'series', 'series')}{values_of}")
    return "; ".join(told)
