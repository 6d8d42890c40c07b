# SPDX-License-Identifier: Apache-2.0
"""Answers what the series of a metric are over time. Each group of series is read by itself, and only groups that are
shown are kept: so the memory that is needed depends on the steps, not on the points."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError, ReadTooLongError
from otel_sqlite_exporter.model.metric_records.metric_signals import SUMMARY
from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.filter_values import parse_calendar, parse_time
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import (
    RAW,
    WHOLE,
    TimeSteps,
    choose_step,
    make_steps,
    parse_step,
)
from otel_sqlite_exporter.query.metric_series.chosen_series import (
    EACH,
    MOST_SERIES,
    NamedSeries,
    SeriesGroup,
    choose_series,
    estimate_interval,
    group_series,
    read_times,
)
from otel_sqlite_exporter.query.metric_series.group_lines import GroupReader, ReadGroup
from otel_sqlite_exporter.query.metric_series.instrument_choice import choose_instruments
from otel_sqlite_exporter.query.metric_series.metric_aggregates import check_groups, find_family, parse_aggregates
from otel_sqlite_exporter.query.metric_series.metric_description import InstrumentFacts, find_instruments
from otel_sqlite_exporter.query.metric_series.raw_lines import read_raw_lines
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult
from otel_sqlite_exporter.query.metric_series.series_notes import describe_instruments, describe_lines
from otel_sqlite_exporter.query.sql_builder import check_limit
from otel_sqlite_exporter.show.units import format_iso_time
from otel_sqlite_exporter.storage.running_reads import is_reading_over

_MOST_VALUES = 1_000_000
"""Values that are returned of all lines together."""


class SeriesQuestion(NamedTuple):
    """What is asked of a metric, as `TelemetryDatabase.get_metric_series` describes it."""

    name: str
    since: Any
    until: Any
    step: Any
    aggregate: Any
    group_by: Sequence[str]
    limit: int
    most_steps: int
    timezone: str
    filters: Mapping[str, Any]


class _Chosen(NamedTuple):
    """Series that have points in a range, nanoseconds since 1970, and how long it usually takes from one point to the
    next."""

    instruments: Sequence[InstrumentFacts]
    series: Sequence[NamedSeries]
    since: int
    until: int
    interval: int


class _Answer(NamedTuple):
    """The lines of groups, of which some may be left out."""

    aggregates: tuple[str, ...]
    step_s: float | None
    lines: list[MetricLine]
    groups: int
    notes: list[str]


def read_metric_series(connection: sqlite3.Connection, question: SeriesQuestion) -> MetricSeriesResult:
    """Return the lines of a metric.

    Raises:
        FilterError: An argument cannot be used, or metrics of this name cannot be added up.
        NotFoundError: There is no such metric.
        ReadTooLongError: It takes longer than `reading_for` allows.
    """
    limit = check_limit(question.limit)
    calendar = parse_calendar("timezone", question.timezone)
    step = parse_step(question.step)
    chosen, notes = _choose(connection, question, calendar)
    is_raw = step == RAW
    keys = [EACH] if is_raw or (not question.group_by and chosen.instruments[0].kind == SUMMARY) else question.group_by
    groups = group_series(chosen.series, keys)
    if is_raw:
        answer = _read_raw(connection, chosen, groups, limit)
    else:
        answer = _read_steps(connection, question, calendar, chosen, groups, step)
    first = chosen.instruments[0]
    temporalities = {one.temporality for one in chosen.instruments}
    omitted = max(0, answer.groups - limit)
    if omitted:
        told = "one group of series is" if omitted == 1 else f"{omitted:,} groups of series are"
        notes.append(f"{told} left out{'' if is_raw else ', those with the smallest values'}: the limit is {limit:,}")
    return MetricSeriesResult(
        name=question.name,
        kind=first.kind,
        unit=first.unit,
        description=first.description,
        temporality="mixed" if len(temporalities) > 1 else first.temporality,
        is_monotonic=None if first.is_monotonic is None else bool(first.is_monotonic),
        aggregates=answer.aggregates,
        step_s=answer.step_s,
        since_unix_nano=chosen.since,
        until_unix_nano=chosen.until,
        series=tuple(answer.lines),
        omitted=omitted,
        total=len(answer.lines) + omitted * len(answer.aggregates),
        notes=(*notes, *answer.notes),
    )


def _choose(connection: sqlite3.Connection, question: SeriesQuestion, calendar: Calendar) -> tuple[_Chosen, list[str]]:
    """Return the series that are asked for, and what is told of them."""
    known = find_instruments(connection, question.name)
    given = dict(question.filters)
    kinds, units = given.pop("kind", None), given.pop("unit", None)
    found, is_whole = choose_series(connection, question.name, given)
    instruments, series = choose_instruments(question.name, known, found, kinds, units)
    times = read_times(connection, series)
    since = None if question.since is None else parse_time("since", question.since, calendar)
    until = None if question.until is None else parse_time("until", question.until, calendar)
    if since is None:
        since = min((one.first for one in times.values()), default=0 if until is None else until - 1)
    if until is None:
        until = min(max(since, *(one.last for one in times.values()), since) + 1, LARGEST)
        since = min(since, until - 1)
    if until <= since:
        raise FilterError("until", "the range ends before it begins: give a later time")
    series = [one for one in series if one.id in times and times[one.id].last >= since and times[one.id].first < until]
    notes = [] if is_whole else [f"only the newest {MOST_SERIES:,} series are looked at"]
    used = {one.instrument for one in series}
    merged = [one for one in instruments if one.id in used] or instruments
    interval = estimate_interval(connection, series, until)
    return _Chosen(merged, series, since, until, interval), notes + describe_instruments(merged)


def _read_raw(connection: sqlite3.Connection, chosen: _Chosen, groups: Sequence[SeriesGroup], limit: int) -> _Answer:
    lines, cut = read_raw_lines(connection, groups[:limit], chosen.since, chosen.until)
    notes = [] if cut is None else [f"there are more points: all that are after {format_iso_time(cut)} are here"]
    return _Answer((RAW,), None, lines, len(groups), notes)


def _read_steps(
    connection: sqlite3.Connection,
    question: SeriesQuestion,
    calendar: Calendar,
    chosen: _Chosen,
    groups: Sequence[SeriesGroup],
    step: Any,
) -> _Answer:
    family = find_family(chosen.instruments)
    aggregates = parse_aggregates(question.aggregate, question.name, family, chosen.instruments)
    check_groups(aggregates, family, max((len(group.series) for group in groups), default=0))
    since, until = chosen.since, chosen.until
    if step is None:
        step = choose_step(until - since, chosen.interval, check_limit(question.most_steps))
    if step == WHOLE:
        step = until - since
        steps = TimeSteps((since, until), since, until, step)
    else:
        steps = make_steps(since, until, step, calendar)
    shown = min(question.limit, len(groups))
    if len(steps) * shown * len(aggregates) > _MOST_VALUES:
        raise FilterError("limit", f"these are more than {_MOST_VALUES:,} values: give a lower limit or a longer step")
    reader = GroupReader(connection, steps, family, aggregates, chosen.interval)
    kept = _read_groups(reader, groups, question.limit)
    unit = chosen.instruments[0].unit
    lines = [line for group in kept for line in reader.make_lines(group, unit)]
    return _Answer(aggregates, step / 10**9, lines, len(groups), describe_lines(lines, reader.seen))


def _read_groups(reader: GroupReader, groups: Sequence[SeriesGroup], limit: int) -> list[ReadGroup]:
    """Return the groups with the largest values, the largest first."""
    kept: list[ReadGroup] = []
    for group in groups:
        if is_reading_over():
            raise ReadTooLongError("it takes too long to read: narrow it by since, by attributes or by a service")
        kept.append(reader.read(group))
        if len(kept) > 2 * limit:
            kept = _keep_largest(kept, limit)
    return _keep_largest(kept, limit)


def _keep_largest(groups: list[ReadGroup], limit: int) -> list[ReadGroup]:
    return sorted(groups, key=lambda group: (-group.rank, orjson.dumps(group.labels)))[:limit]
