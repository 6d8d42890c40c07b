# SPDX-License-Identifier: Apache-2.0
"""What tools answer about metrics: a list of them, one over time, and what the file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from otel_sqlite_exporter.agent_tools.answers import Answer, Json, make_row, shorten, take_items
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FilterError, MigrationRequiredError
from otel_sqlite_exporter.query.filter_language.metric_terms import read_metric_terms
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult

_COLUMNS = ("name", "kind", "unit", "temporality", "series", "services", "first", "last", "description")
_GROUPS: Mapping[str, str] = {"service": "service_name", "session": "session_id", "user": "user_id"}
"""What a metric can be grouped by beside the keys of its attributes."""
_LINES = 8
_MOST_SERVICES = 5
_NAMED = 20
_DIGITS = 6


def find_metrics(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return a page of the list of metrics."""
    if arguments["sort"] not in (None, "start"):
        raise FilterError("sort", "metrics are in the order of their names: leave it out")
    filters = {**read_metric_terms(arguments["filter"] or ""), **arguments.pick(since="since", until="until")}
    page = asked.database.find_metrics(limit=arguments["limit"], cursor=arguments["cursor"], **filters)
    rows = [make_row(_describe(metric), arguments.text_bytes) for metric in page]

    def describe_rest(shown: int) -> Json:
        shorter = asked.database.find_metrics(limit=shown, cursor=arguments["cursor"], **filters)
        return {"left_out": "more rows: give next_cursor as cursor", "next_cursor": shorter.cursor}

    head: Json = {"of": "metrics", "total": page.total, "columns": _COLUMNS}
    return Answer(head, "rows", rows, describe_rest, {"next_cursor": page.cursor} if page.cursor else {})


def _describe(metric: MetricSummary) -> Iterator[Any]:
    services = [str(one) for one in orjson.loads(metric.services)]
    more = len(services) - _MOST_SERVICES
    named = ", ".join([*services[:_MOST_SERVICES], *([f"and {more} more"] if more > 0 else [])])
    yield from (metric.name, metric.kind, metric.unit or None, metric.temporality, metric.series, named)
    yield from (metric.first_time, metric.last_time, metric.description or None)


def show_metric(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return a metric over time: a row for each step, the newest first, with a column for each line."""
    result = _read_series(asked, arguments)
    lines, size = result.series, arguments.text_bytes
    room = arguments.most_bytes // 4
    described = take_items((make_row(_name_line(line), size // 2) for line in lines), room)
    rows = [*islice(_list_rows(lines[: len(described)], size), arguments.most_bytes // 10)]
    head: Json = {
        "metric": shorten(result.name, size),
        **{"kind": result.kind, "unit": shorten(result.unit, 60), "step_s": result.step_s},
        "lines (labels, aggregate, unit)": described,
        "columns": ["time", *(f"line {number}" for number in range(1, len(described) + 1))],
    }
    notes = [*result.notes, *_say_what_is_left_out(result.omitted, len(lines) - len(described))]
    if notes:
        head["notes"] = take_items((shorten(note, 2 * size) for note in notes), arguments.most_bytes // 8)

    def describe_rest(shown: int) -> Json:
        before = rows[shown - 1][0] if shown else None
        return {"left_out": f"{len(rows) - shown} earlier steps: give until {before}, or a longer step"}

    return Answer(head, "rows", rows, describe_rest)


def _read_series(asked: AskedFile, arguments: ToolArguments) -> MetricSeriesResult:
    aggregates = None if arguments["aggregate"] is None else arguments["aggregate"].replace(",", " ").split()
    try:
        return asked.database.get_metric_series(
            arguments["metric"],
            group_by=[*_list_groups(arguments)],
            limit=_LINES,
            aggregate=aggregates,
            **arguments.pick(since="since", until="until", step="step"),
            **_pick_filters(arguments),
        )
    except FilterError as error:
        if error.argument == "group_by" and arguments["keys"]:
            raise FilterError("keys", error.message) from None
        raise


def _list_groups(arguments: ToolArguments) -> Iterator[str]:
    for group in arguments["group_by"] or ():
        if group not in _GROUPS:
            raise FilterError("group_by", f"a metric has no {group}: give {', '.join(_GROUPS)}, or keys")
        yield _GROUPS[group]
    yield from arguments["keys"] or ()


def _pick_filters(arguments: ToolArguments) -> Json:
    for name in ("agent", "model"):
        if arguments[name] is not None:
            raise FilterError(name, "series of metrics are found by service and session: leave it out")
    return arguments.pick(service_name="service", session_id="session")


def _say_what_is_left_out(groups: int, lines: int) -> Iterator[str]:
    if groups:
        yield f"{groups} more groups are left out, those with smaller values"
    if lines:
        yield f"{lines} lines are left out: raise max_bytes"


def _name_line(line: MetricLine) -> list[Any]:
    labels = ", ".join(f"{key}={_write(value)}" for key, value in line.labels.items())
    return [labels or "all series", line.aggregate, line.unit]


def _write(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _list_rows(lines: Sequence[MetricLine], text_bytes: int) -> Iterator[list[Any]]:
    columns = [{point.time_unix_nano: point for point in line.points} for line in lines]
    for time in sorted({time for column in columns for time in column}, reverse=True):
        values = [_read_value(column[time]) if time in column else None for column in columns]
        if any(value is not None for value in values):
            yield make_row([_write_time(time), *values], text_bytes)


def _read_value(point: Any) -> Any:
    value = point.value if point.value is not None else getattr(point, "count_delta", None)
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _write_time(time_unix_nano: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_unix_nano // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


def name_metrics(asked: AskedFile, room: int, text_bytes: int, **filters: Any) -> tuple[list[list[Any]], bool]:
    """Return the first metrics as rows of name, kind, unit and number of series, and whether these are all. A file from
    before metrics has none."""
    try:
        page = asked.database.find_metrics(limit=_NAMED, **filters)
    except MigrationRequiredError:
        return [], True
    rows = (make_row((one.name, one.kind, one.unit, one.series), text_bytes) for one in page)
    shown = take_items(rows, room)
    return shown, page.cursor is None and len(shown) == len(page)
