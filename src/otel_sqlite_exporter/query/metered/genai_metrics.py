# SPDX-License-Identifier: Apache-2.0
"""The report `genai-metrics`: how many tokens calls take, and how long they and their first tokens take, by the
histograms of programs that call models."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.filter_values import parse_texts
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_series.chosen_series import (
    NamedSeries,
    SeriesGroup,
    SeriesTimes,
    choose_series,
    read_times,
)
from otel_sqlite_exporter.query.metric_series.group_lines import GroupReader
from otel_sqlite_exporter.query.metric_series.metric_aggregates import DISTRIBUTED, DISTRIBUTION
from otel_sqlite_exporter.sql.texts import read_query

GENAI_GROUPS = ("model", "operation", "provider", "error", "service", "session", "user")
_AGGREGATES = ("count", "avg", "p50", "p95", "max")
_MEASURED = ("metric", "type", "unit", *_AGGREGATES)
_COLUMNS = {"service": "service_name", "session": "session_id", "user": "user_id"}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "model": ("gen_ai.response.model", "gen_ai.request.model", "model"),
    "operation": ("gen_ai.operation.name",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "error": ("error.type",),
    "type": ("gen_ai.token.type",),
}
"""The attributes that tell a group, the first one that a series has."""
_CONVENTIONS = "gen_ai."
_OF_AGENTS = frozenset(
    (
        *("codex.api_request.duration_ms", "codex.turn.e2e_duration_ms", "codex.turn.ttfm.duration_ms"),
        *("codex.turn.ttft.duration_ms", "copilot_chat.time_to_first_token", "gemini_cli.api.request.latency"),
        "qwen-code.api.request.latency",
    )
)
_Labels = tuple[Any, ...]


def read_genai_metrics(
    connection: sqlite3.Connection, groups: Sequence[str], parameters: Mapping[str, Any], filters: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the columns and the rows: one for each metric, kind of token, unit, and what the groups tell.

    Raises:
        FilterError: Metrics do not tell what a filter asks for.
    """
    asked = dict(filters)
    models = {*parse_texts("model", asked.pop("model"))} if "model" in asked else None
    for argument in asked:
        if argument not in _COLUMNS.values():
            raise FilterError(argument, "metrics do not tell it")
    rows = []
    names = [name for (name,) in connection.execute(read_query("list_histograms")) if measures_models(name)]
    for name in names:
        series, _ = choose_series(connection, name, asked)
        chosen = [one for one in series if one.kind in DISTRIBUTED and (models is None or models & _list_models(one))]
        rows += [
            (*row[: len(groups)], name, *row[len(groups) :]) for row in _read(connection, chosen, groups, parameters)
        ]
    return (*groups, *_MEASURED), rows


def measures_models(name: str) -> bool:
    """Whether a histogram of this name is one of the semantic conventions for generative AI, or one in which an agent
    says how long a model takes."""
    return name.startswith(_CONVENTIONS) or name in _OF_AGENTS


def _list_models(series: NamedSeries) -> set[str]:
    attributes = orjson.loads(series.attributes)
    return {str(attributes[key]) for key in _KEYS["model"] if key in attributes}


def _read(
    connection: sqlite3.Connection, series: Sequence[NamedSeries], groups: Sequence[str], parameters: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one metric."""
    times = read_times(connection, series)
    labelled: defaultdict[_Labels, list[NamedSeries]] = defaultdict(list)
    for one in series:
        if one.id in times:
            labelled[*_find_labels(one, (*groups, "type")), one.unit].append(one)
    for labels, alike in sorted(labelled.items(), key=lambda item: [str(label or "") for label in item[0]]):
        steps = _make_step([times[one.id] for one in alike], parameters)
        if steps is not None:
            values = _measure(connection, steps, alike)
            if values[0]:
                yield (*labels, *values)


def _find_labels(series: NamedSeries, groups: Sequence[str]) -> Iterator[Any]:
    attributes = orjson.loads(series.attributes)
    for group in groups:
        if group in _COLUMNS:
            yield getattr(series, _COLUMNS[group])
        else:
            found = next((attributes[key] for key in _KEYS[group] if key in attributes), None)
            yield found if found is None else str(found)


def _make_step(times: Sequence[SeriesTimes], parameters: Mapping[str, Any]) -> TimeSteps | None:
    """Return the range that is asked for, or that of the points, as one step; None: no point is in it."""
    since, until = parameters["since"], parameters["until"]
    if since == -LARGEST:
        since = min(one.first for one in times)
    if until == LARGEST:
        until = max(one.last for one in times) + 1
    return TimeSteps([since, until], since, until) if since < until else None


def _measure(connection: sqlite3.Connection, steps: TimeSteps, series: Sequence[NamedSeries]) -> tuple[Any, ...]:
    """Return the value of each aggregate."""
    reader = GroupReader(connection, steps, DISTRIBUTION, _AGGREGATES, 0)
    lines = reader.make_lines(reader.read(SeriesGroup({}, series)), series[0].unit)
    return tuple(line.points[0].value for line in lines)
