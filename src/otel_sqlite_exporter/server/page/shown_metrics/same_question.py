# SPDX-License-Identifier: Apache-2.0
"""The command and the statement that ask what a page of a metric shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.query.metric_arithmetic.time_steps import RAW
from otel_sqlite_exporter.query.metric_series.series_answers import MetricSeriesResult
from otel_sqlite_exporter.server.page.shown_metrics.series_request import SeriesRequest
from otel_sqlite_exporter.show.units import format_iso_time
from otel_sqlite_exporter.storage.identity import name_command

_COLUMNS = ("service_name", "session_id", "user_id")
_EACH = "*"
_OPTIONS = {"service_name": "service", "session_id": "session", "user_id": "user", "attributes": "attribute"}
"""The options of the command, where filters have other names."""
_NS = 10**9
_SUMS: Mapping[str, str] = {
    **{"sum": "delta", "gauge": "value", "histogram": "count_delta", "exponential_histogram": "count_delta"},
    "summary": "count_delta",
}
"""What the points of a kind add up to."""
_LEVELS: Mapping[str, str] = {"avg": "avg({})", "min": "min({})", "max": "max({})", "last": "max({})"}


def write_command(request: SeriesRequest, path: str) -> str:
    """Return the command that prints the same."""
    times = {
        name: None if time is None else format_iso_time(time)
        for name, time in (("since", request.since), ("until", request.until))
    }
    is_raw = request.step == RAW
    given: dict[str, Any] = {
        **times,
        "step": None if is_raw else request.step,
        "aggregate": None if is_raw else request.aggregates,
        "group-by": request.groups,
        **{_OPTIONS.get(name, name): texts for name, texts in request.texts.items()},
    }
    words = [shlex.quote(request.name), *(["--raw"] if is_raw else [])]
    for option, value in given.items():
        values = [] if value is None else [value] if isinstance(value, str) else value
        words += [f"--{option} {shlex.quote(one)}" for one in values]
    return name_command(f"metric {' '.join(words)}", path)


def write_sql(request: SeriesRequest, result: MetricSeriesResult) -> str:
    """Return a statement over the points that the page is made of: their sums or levels by step, where SQL can say it;
    of quantiles, and of points as they are stored, the points."""
    keys = [*dict.fromkeys(_list_keys(request.groups))]
    where = "\n  AND ".join(_list_conditions(request, result))
    measure = _find_measure(result)
    if measure is None or result.step_s is None:
        columns = ", ".join(("time", *keys, "value, delta, count, count_delta, sum, sum_delta, buckets, change"))
        return f"SELECT {columns}\nFROM metric_points\nWHERE {where}\nORDER BY time_unix_nano"
    step = max(round(result.step_s * _NS), 1)
    time = f"strftime('%Y-%m-%dT%H:%M:%SZ', time_unix_nano / {step} * {step} / {_NS}, 'unixepoch') AS step"
    groups = ", ".join(str(number) for number in range(1, len(keys) + 2))
    return (
        f"SELECT {', '.join((time, *keys, measure))}\nFROM metric_points\nWHERE {where}\nGROUP BY {groups}\nORDER BY 1"
    )


def _list_keys(groups: Sequence[str]) -> Iterator[str]:
    """Yield the columns that tell the lines apart."""
    for group in groups:
        if group == _EACH:
            yield "series_id"
        elif group in _COLUMNS:
            yield group
        else:
            yield f"(SELECT a.value FROM json_each(attributes) AS a WHERE a.key = {_quote(group)}) AS {_name(group)}"


def _find_measure(result: MetricSeriesResult) -> str | None:
    aggregate, column = result.aggregates[0], _SUMS[result.kind]
    if result.kind == "gauge" or (result.kind == "sum" and aggregate in _LEVELS):
        form = _LEVELS.get(aggregate)
        return None if form is None else f"{form.format('value')} AS {aggregate}"
    if aggregate in ("increase", "count"):
        return f"sum({column}) AS {aggregate}"
    if aggregate == "rate":
        return f"sum({column}) / {float(result.step_s or 1)!r} AS rate"
    if aggregate == "sum":
        return f"sum({'delta' if result.kind == 'sum' else 'sum_delta'}) AS sum"
    if aggregate == "avg":
        return "sum(sum_delta) * 1.0 / sum(count_delta) AS avg"
    return None


def _list_conditions(request: SeriesRequest, result: MetricSeriesResult) -> Iterator[str]:
    yield f"name = {_quote(request.name)}"
    yield f"time_unix_nano >= {result.since_unix_nano} AND time_unix_nano < {result.until_unix_nano}"
    for column in ("kind", "unit", *_COLUMNS):
        if column in request.texts:
            yield f"{column} IN ({', '.join(map(_quote, request.texts[column]))})"
    for key, (operator, value) in request.filters.get("attributes", ()):
        found = f"(SELECT a.value FROM json_each(attributes) AS a WHERE a.key = {_quote(key)})"
        if operator == "exists":
            yield f"{found} IS {'NOT NULL' if value else 'NULL'}"
        else:
            yield f"{found} {operator} {_write(value)}"


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return _quote(value) if isinstance(value, str) else repr(value)


def _quote(text: str) -> str:
    """Return a text as a literal of SQL, which holds no NUL."""
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
    return parts[0] if len(parts) == 1 else f"({' || char(0) || '.join(parts)})"


def _name(text: str) -> str:
    return '"' + text.replace("\0", "").replace('"', '""') + '"'
