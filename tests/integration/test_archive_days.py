# SPDX-License-Identifier: Apache-2.0
"""`archive` writes each closed day, and again what changed, so that the dataset is as if it were made now."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import Annotations, SQLiteSpanExporter
from otel_sqlite_exporter.archive.archiving.closed_days import parse_bound
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.maintain.reprice import reprice
from otel_sqlite_exporter.settings import resolve_settings
from tests.archived import archive, list_column, list_files, read_dataset
from tests.conftest import exporting
from tests.dataset_files import DAY_NS, FIRST_NS, export_records, make_batches
from tests.integration.test_log_exporter import make_log
from tests.sample_points import encode_points, make_points, write_points

pytest.importorskip("pyarrow")
_HOUR = 3_600 * 10**9
_FIRST = FIRST_NS // DAY_NS


def span(
    trace: int, number: int, day: float, *, name: str = "work", length: int = 10, **attributes: Any
) -> ReadableSpan:
    start = FIRST_NS + int(day * DAY_NS)
    context = SpanContext(trace, number, False, TraceFlags(1))
    return ReadableSpan(name, context, None, None, {}, start_time=start, end_time=start + length)


def write(path: Path, *spans: ReadableSpan) -> None:
    with exporting(path) as exporter:
        exporter.export(list(spans))


def kinds(path: Path, dataset: Path, **options: Any) -> list[tuple[str, str, int]]:
    done = archive(path, dataset, **options).archived
    return [(day.date[-2:], day.kind, day.spans) for day in done.days]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return tmp_path / "dataset"


@pytest.mark.parametrize(
    ("before", "day"),
    [("2d", 8), ("0d", 10), ("12h", 10), ("13h", 9), ("1970-01-05", 4), ("2999-01-01", 10)],
)
def test_a_day_is_closed_by_the_age_of_its_end_or_by_a_date(before: str, day: int) -> None:
    assert parse_bound(before, 10 * DAY_NS + 12 * _HOUR) == day


@pytest.mark.parametrize("before", ["soon", "", "-1d", "2026-13-01"])
def test_another_bound_is_refused(before: str) -> None:
    with pytest.raises(ValueError, match="give an age such as 2d or 12h, or a date"):
        parse_bound(before, DAY_NS)


def test_closed_days_are_written_once(path: Path, dataset: Path) -> None:
    write(path, span(1, 1, 0), span(1, 2, 1.2), span(2, 1, 1), span(3, 1, 3))
    assert kinds(path, dataset, until=_FIRST + 2) == [("31", "new", 2), ("01", "new", 1)]
    files = list_files(dataset)
    assert kinds(path, dataset, until=_FIRST + 2) == []
    assert list_files(dataset) == files
    assert kinds(path, dataset) == [("03", "new", 1)]


def test_a_changed_day_is_written_again_in_place_of_what_was_there(path: Path, dataset: Path) -> None:
    write(path, span(1, 1, 0), span(2, 1, 1))
    archive(path, dataset)
    write(path, span(2, 2, 1.1), span(3, 1, 1.5), span(1, 1, 0))
    assert kinds(path, dataset) == [("01", "again", 3)]
    assert list_column(dataset, "spans", "span_id") == [f"{1:016x}"] * 3 + [f"{2:016x}"]


def test_a_trace_that_runs_is_left_until_it_ends(path: Path, dataset: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.export([span(1, 1, 0)])
    exporter.export_open([span(2, 1, 0, name="runs")])
    exporter.export([span(2, 2, 0)])
    done = archive(path, dataset).archived
    assert ([day.spans for day in done.days], [trace.trace_id for trace in done.running]) == ([1], [f"{2:032x}"])
    exporter.export([span(2, 3, 0)])
    assert kinds(path, dataset) == []
    exporter.export([span(2, 1, 0)])
    exporter.shutdown()
    assert kinds(path, dataset) == [("31", "again", 4)]


def test_a_span_that_is_replaced_is_found_without_a_new_id(path: Path, dataset: Path) -> None:
    write(path, span(1, 1, 0))
    archive(path, dataset)
    write(path, span(1, 1, 0, length=20))
    assert kinds(path, dataset) == [("31", "again", 1)]
    assert list_column(dataset, "spans", "end_time_unix_nano") == [FIRST_NS + 20]
    assert kinds(path, dataset) == []


def test_a_trace_that_begins_earlier_than_known_moves_to_its_day(path: Path, dataset: Path) -> None:
    write(path, span(1, 2, 1), span(2, 1, 1))
    archive(path, dataset)
    write(path, span(1, 1, 0.99))
    assert kinds(path, dataset) == [("31", "new", 2), ("01", "again", 1)]


def test_what_reprice_and_reindex_change_is_written_again(path: Path, dataset: Path) -> None:
    call: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10,
    }
    one = span(1, 1, 0)
    priced = ReadableSpan("chat", one.context, None, None, call, start_time=FIRST_NS, end_time=FIRST_NS + 1)
    with exporting(path, cost="off") as exporter:
        exporter.export([priced, span(2, 1, 1)])
    archive(path, dataset)
    reindex(resolve_settings(path))
    assert kinds(path, dataset) == []
    if not reprice(resolve_settings(path)).changed:
        pytest.skip("no prices are installed")
    assert kinds(path, dataset) == [("31", "again", 1)]


def test_points_and_marks_that_come_late_are_written_again(path: Path, dataset: Path) -> None:
    points = encode_points(make_points(4, FIRST_NS + DAY_NS - 90 * 10**9))
    write(path, span(1, 1, 0))
    write_points(path, points[::2])
    archive(path, dataset)
    write_points(path, points[1::2])
    done = archive(path, dataset).archived
    assert sum(day.points for day in done.days) == len(points)
    with closing(sqlite3.connect(path)) as file, file:
        assert file.execute("SELECT sum(late_records) FROM _archives").fetchone() == (0,)
    Annotations(path).pin(trace_id=f"{1:032x}", label="for ever")
    assert kinds(path, dataset) == []


def test_a_lost_day_is_written_again(path: Path, dataset: Path) -> None:
    write(path, span(1, 1, 0), span(2, 1, 1))
    archive(path, dataset)
    next((dataset / "_manifests").glob("*-2026-02-01-0.json")).unlink()
    assert kinds(path, dataset) == [("01", "new", 1)]
    assert kinds(path, dataset) == []


def test_records_that_come_in_any_order_make_the_same_dataset(path: Path, tmp_path: Path) -> None:
    """Batches of records that pair, merge and count each other over days come after their days were archived."""
    batches = [*make_batches(2)]
    random.Random(7).shuffle(batches)
    for number, batch in enumerate(batches):
        export_records(path, batch)
        if number % 2 == 0:
            archive(path, tmp_path / "late")
    archive(path, tmp_path / "late")
    archive(path, tmp_path / "at once")
    late, at_once = read_dataset(tmp_path / "late"), read_dataset(tmp_path / "at once")
    assert [*late] == [*at_once]
    for table, rows in late.items():
        assert rows == at_once[table], table


def test_what_is_one_with_a_late_record_of_another_day_is_written_again(path: Path, dataset: Path) -> None:
    """A call that two services tell in traces of their own, and a pair of log records, around midnight."""
    call: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.id": "r-1"}
    call |= {"gen_ai.usage.input_tokens": 10}
    midnight, scopes = FIRST_NS + DAY_NS, (InstrumentationScope("client"), InstrumentationScope("proxy"))
    times = ((midnight - 5, midnight + 9), (midnight + 1, midnight + 8))
    client, proxy = (
        ReadableSpan(
            "chat",
            SpanContext(number, 1, False, TraceFlags(1)),
            attributes=call,
            start_time=start,
            end_time=end,
            instrumentation_scope=scope,
        )
        for number, (start, end), scope in zip((1, 2), times, scopes, strict=True)
    )
    before, after = (
        make_log(event_name=f"night.{phase}", attributes={"session.id": "s"}, timestamp=time)
        for phase, time in (("start", midnight - 5), ("finish", midnight + 5))
    )
    export_records(path, [proxy, before])
    archive(path, dataset)
    export_records(path, [client])
    assert kinds(path, dataset) == [("31", "again", 1), ("01", "again", 1)]
    assert list_column(dataset, "llm_interactions", "counted") == [0, 1]
    export_records(path, [after])
    assert kinds(path, dataset) == [("31", "again", 1), ("01", "again", 1)]
    assert None not in list_column(dataset, "events", "related_event_id")


_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10}
_ASKED = '[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"n","arguments":{"a":1}}]}]'
_AGENT: dict[str, Any] = {"gen_ai.operation.name": "invoke_agent", "session.id": "s", "gen_ai.usage.input_tokens": 10}


@pytest.mark.parametrize(
    ("earlier", "later", "late"),
    [
        pytest.param([], [], [(2, 1, _CHAT | {"session.id": "s"}, None)], id="calls that an agent repeats"),
        pytest.param([], [(2, 1, _CHAT, None)], [(2, 2, {"session.id": "s"}, None)], id="the session of such calls"),
        pytest.param(
            [],
            [(2, 1, _CHAT, None, {"session.id": "s"})],
            [(2, 2, {"session.id": "other"}, None)],
            id="that such calls are of another session than their resource names",
        ),
        pytest.param(
            [(2, 1, {}, "job.start")],
            [(3, 1, {"session.id": "s"}, "job.finish")],
            [(2, 2, {"session.id": "s"}, None)],
            id="the session of one of a pair",
        ),
        pytest.param(
            [(2, 1, _CHAT | {"gen_ai.output.messages": _ASKED, "session.id": "other"}, None)],
            [(3, 1, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "c"}, None)],
            [(3, 2, {"session.id": "s"}, None)],
            id="the session of a tool that was asked for",
        ),
    ],
)
def test_what_late_spans_decide_in_traces_of_other_days_is_written_again(
    path: Path, tmp_path: Path, earlier: list[Any], later: list[Any], late: list[Any]
) -> None:
    midnight = FIRST_NS + DAY_NS

    def make(
        trace: int, number: int, attributes: dict[str, Any], event: str | None, resource: dict[str, Any] | None = None
    ) -> ReadableSpan:
        start = midnight + 1_000 * (trace - 2) - 500 * bool(earlier)
        events = [] if event is None else [Event(event, {}, start)]
        context = SpanContext(trace, number, False, TraceFlags(1))
        times: dict[str, Any] = {"start_time": start, "end_time": start + 5}
        return ReadableSpan("n", context, None, Resource(resource or {}), attributes, events, **times)

    agent = ReadableSpan(
        "agent",
        SpanContext(1, 1, False, TraceFlags(1)),
        attributes=_AGENT,
        start_time=midnight - 9,
        end_time=midnight + 99,
    )
    export_records(path, [agent, *(make(*one) for one in (*earlier, *later))])
    archive(path, tmp_path / "late")
    export_records(path, [make(*one) for one in late])
    archive(path, tmp_path / "late")
    archive(path, tmp_path / "at once")
    found, expected = read_dataset(tmp_path / "late"), read_dataset(tmp_path / "at once")
    assert found == expected


def test_a_copy_of_a_file_gets_a_name_of_its_own(path: Path, tmp_path: Path, dataset: Path) -> None:
    write(path, span(1, 1, 0))
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("VACUUM INTO ?", (str(copy),))
    write(path, span(2, 1, 0))
    write(copy, span(3, 1, 0))
    first, second = archive(path, dataset).archived, archive(copy, dataset).archived
    assert first.source != second.source
    assert list_column(dataset, "traces", "trace_id") == [f"{number:032x}" for number in (1, 1, 2, 3)]
    write(path, span(2, 2, 0))
    write(copy, span(3, 2, 0))
    assert [kinds(one, dataset) for one in (path, copy)] == [[("31", "again", 3)], [("31", "again", 3)]]
