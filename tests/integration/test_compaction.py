# SPDX-License-Identifier: Apache-2.0
"""`compact` on datasets of several files: what they decide together is what one file decides that got all records."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
pytest.importorskip("duckdb", reason="the extra `archive` is not installed")

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from otel_sqlite_exporter.archive.asking.dataset_engine import open_engine
from otel_sqlite_exporter.archive.asking.locator import find_days
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import digest_file
from tests.commands import run
from tests.compacted_datasets import archive_days, compact_quietly, count_parts, read_dataset, read_rows_by_table
from tests.mixed_records import export_batches

_Record = ReadableSpan | ReadableLogRecord
_DAY = 86_400 * 10**9
_T = 20_484 * _DAY + 10 * 3600 * 10**9
"""2026-01-31T10:00:00Z."""
_MS = 10**6
_SCOPE = InstrumentationScope("compacted", "1")


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, True, TraceFlags(1))


def _span(
    trace: int,
    id: int,
    parent: int | None,
    start_ms: int,
    end_ms: int,
    attributes: Mapping[str, Any] = MappingProxyType({}),
    *,
    service: str = "app",
    events: Sequence[Event] = (),
    name: str = "step",
) -> ReadableSpan:
    return ReadableSpan(
        name=name,
        context=_context(trace, id),
        parent=None if parent is None else _context(trace, parent),
        resource=Resource({"service.name": service}),
        attributes=attributes,
        events=events,
        kind=SpanKind.INTERNAL,
        instrumentation_scope=_SCOPE,
        start_time=_T + start_ms * _MS,
        end_time=_T + end_ms * _MS,
    )


def _use(operation: str, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
    }


def _log(trace: int | None, span: int, time_ms: int, session: str | None = None) -> ReadableLogRecord:
    place = SpanContext(0, 0, False) if trace is None else _context(trace, span)
    record = LogRecord(
        context=set_span_in_context(NonRecordingSpan(place)),
        timestamp=_T + time_ms * _MS,
        observed_timestamp=_T + time_ms * _MS,
        body=f"at {time_ms}",
        attributes={} if session is None else {"session.id": session},
    )
    return ReadableLogRecord(record, Resource({"service.name": "app"}), _SCOPE)


def _archive(
    folder: Path, dataset: DatasetFolder, source: str, records: Sequence[_Record], generation: int = 0
) -> None:
    path = folder / f"{source}.db"
    export_batches(path, [records])
    archive_days(path, dataset, source, generation)


def _archive_all(folder: Path, records: Sequence[_Record]) -> DatasetFolder:
    dataset = make_dataset(folder / "whole")
    _archive(folder, dataset, "whole", records)
    return dataset


def _ask(dataset: DatasetFolder, sql: str) -> list[tuple[Any, ...]]:
    with open_engine(dataset) as engine:
        found: list[tuple[Any, ...]] = engine.connection.sql(sql).fetchall()
    return found


def _digest(dataset: DatasetFolder) -> dict[str, str]:
    """The digests of all parts that hold."""
    parts = [part for manifest in read_manifests(dataset) for part in manifest.parts]
    assert all(digest_file(dataset.join(part.path)) == part.digest for part in parts)
    return {part.path: part.digest for part in parts}


def _make_counted() -> tuple[list[_Record], list[_Record]]:
    """An agent whose calls are on another host, and a response that a client and a proxy report."""
    agent = {**_use("invoke_agent", 300, 30), "session.id": "s1"}
    call = {**_use("chat", 50, 5), "gen_ai.response.id": "r1"}
    front: list[_Record] = [_span(1, 1, None, 0, 1_000, agent, service="front"), _span(2, 4, None, 5, 9, call)]
    back: list[_Record] = [
        _span(1, 2, 1, 1, 2, _use("chat", 100, 10), service="worker"),
        _span(1, 3, 1, 3, 4, _use("chat", 200, 20), service="worker"),
        _span(3, 5, None, 6, 8, call, service="proxy"),
    ]
    return front, back


def test_a_call_that_two_hosts_report_counts_once(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    front, back = _make_counted()
    _archive(tmp_path, dataset, "a", front)
    _archive(tmp_path, dataset, "b", back)
    sums = "SELECT CAST(sum(total_tokens) AS BIGINT), count(*) FROM complete_llm_interactions WHERE counted = 1"
    assert _ask(dataset, sums) == [(770, 5)]
    code, out, _ = run("compact", dataset.path, "--dry-run", "--json")
    assert (code, json.loads(out)["contested_traces"], _ask(dataset, sums)) == (0, 3, [(770, 5)])
    code, out, _ = run("compact", dataset.path)
    assert (code, out.splitlines()) == (
        0,
        [
            "put together 2026-01-31: 14 parts before, 8 now",
            "derived 3 traces again from the records of all hosts: 2 calls changed between counted and not counted",
        ],
    )
    assert _ask(dataset, sums) == [(385, 3)]
    assert read_dataset(dataset) == read_dataset(_archive_all(tmp_path, [*front, *back]))
    before = _digest(dataset)
    code, out, _ = run("compact", dataset.path)
    assert (code, out) == (0, f"{dataset.path}: nothing to put together\n")
    assert _digest(dataset) == before


def test_costs_stay_as_they_were_archived(tmp_path: Path) -> None:
    """Also where prices are others now: the rows say that they cost more."""
    pytest.importorskip("genai_prices")
    dataset = make_dataset(tmp_path / "dataset")
    front, back = _make_counted()
    for source, records in (("a", front), ("b", back)):
        path = tmp_path / f"{source}.db"
        export_batches(path, [records])
        with closing(sqlite3.connect(path)) as file, file:
            changed = file.execute(
                "UPDATE _llm_interactions SET cost_usd = 7, price_source = 'a list', price_date = '2020-01-01'"
                " WHERE cost_status = 'exact'"
            )
            assert changed.rowcount
        archive_days(path, dataset, source)
    compact_quietly(dataset)
    calls = [row for row in read_rows_by_table(dataset)["llm_interactions"] if row["cost_status"] == "exact"]
    assert calls
    assert {(row["cost_usd"], row["price_source"], row["price_date"]) for row in calls} == {(7, "a list", "2020-01-01")}


@pytest.mark.slow
def test_traces_over_several_hosts_are_those_of_one_file(tmp_path: Path) -> None:
    """Spans of a trace are on one to four hosts, sessions and users are named by some of them."""
    chance = random.Random(5)
    shares: defaultdict[int, list[_Record]] = defaultdict(list)
    for trace in range(1, 15):
        hosts = chance.sample(range(4), 1 if chance.random() < 0.6 else chance.randrange(2, 5))
        for record in _make_trace(trace, chance):
            shares[chance.choice(hosts)].append(record)
    dataset = make_dataset(tmp_path / "dataset")
    for host, records in shares.items():
        _archive(tmp_path, dataset, f"host{host}", records)
    report = compact_quietly(dataset)
    assert 2 < report.contested_traces < 14
    whole = _archive_all(tmp_path, [record for records in shares.values() for record in records])
    assert read_dataset(dataset) == read_dataset(whole)
    assert set(count_parts(dataset).values()) == {1}
    for view in ("sessions", "traces", "usage", "days", "agent_tree", "session_conflicts"):
        columns = "* EXCLUDE (id)" if view in ("sessions", "traces") else "*"
        sql = f"SELECT {columns} FROM {view} ORDER BY ALL"
        assert _round(_ask(dataset, sql)) == _round(_ask(whole, sql)), view


def _make_trace(trace: int, chance: random.Random) -> Iterable[_Record]:
    at = trace * 40_000
    for number in range(8):
        attributes: dict[str, Any] = {} if number % 3 else _use("chat", 10 * number + 7, number + 1)
        if number in (2, 6):
            attributes |= {"session.id": f"chat {trace % 7 + number // 4 * (trace % 5 == 0)}"}
        if number == 5:
            attributes |= {"user.id": f"user {trace % 4}"}
        id = trace * 100 + number
        parent = None if number == 0 else trace * 100 + chance.randrange(number)
        yield _span(trace, id, parent, at + number, at + 100 - number, attributes, service=f"service {number % 3}")
        if number % 4 == 1:
            yield _log(trace, id, at + number)


def _round(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in rows]


def test_a_pair_over_hosts(tmp_path: Path) -> None:
    named = {"session.id": "s"}
    start = [Event("job.start", {}, _T + 5 * _MS)]
    finish = [Event("job.finish", {}, _T + 60_000 * _MS)]
    one: list[_Record] = [_span(1, 1, None, 0, 10, named, events=start), _span(9, 9, None, 0, 10, named)]
    other: list[_Record] = [_span(2, 2, None, 59_990, 60_010, named, events=finish)]
    dataset = make_dataset(tmp_path / "dataset")
    _archive(tmp_path, dataset, "a", one)
    _archive(tmp_path, dataset, "b", other)
    report = compact_quietly(dataset)
    assert report.contested_traces == 2
    events = read_rows_by_table(dataset)["events"]
    assert {row["link_method"] for row in events} == {"temporal"}
    assert {row["related_event_id"] for row in events} == {row["id"] for row in events}
    assert read_dataset(dataset) == read_dataset(_archive_all(tmp_path, [*one, *other]))


def test_late_records_are_a_second_generation(tmp_path: Path) -> None:
    """The file no longer has all of the first one, so this stands beside it: nothing is there twice after `compact`."""
    dataset = make_dataset(tmp_path / "dataset")
    early: list[_Record] = [_span(1, 1, None, 0, 100), _log(1, 1, 5), _log(None, 0, 7, "s"), _span(2, 2, None, 0, 9)]
    late: list[_Record] = [_span(1, 3, 1, 10, 20, {"session.id": "s"}), _log(1, 3, 15), _log(None, 0, 8, "s")]
    _archive(tmp_path, dataset, "a", early)
    _archive(tmp_path, dataset, "a", late, generation=1)
    assert len(read_rows_by_table(dataset)["logs"]) == 6
    report = compact_quietly(dataset)
    assert (report.contested_traces, report.contested_sessions) == (2, 1)
    assert read_dataset(dataset) == read_dataset(_archive_all(tmp_path, [*early, *late]))
    more: list[_Record] = [_span(1, 4, 1, 30, 40), _log(None, 0, 9, "s")]
    _archive(tmp_path, dataset, "a", more, generation=2)
    compact_quietly(dataset)
    assert read_dataset(dataset) == read_dataset(_archive_all(tmp_path / "again", [*early, *late, *more]))


def test_a_trace_moves_to_the_day_of_an_earlier_start(tmp_path: Path) -> None:
    before = -(10 * 3600 * 1000 + 5_000)  # 5 seconds before midnight
    one: list[_Record] = [_span(1, 2, 1, 0, 100), _span(2, 3, None, 0, 9)]
    other: list[_Record] = [_span(1, 1, None, before, 200, {"session.id": "s"}), _span(3, 4, None, before, before + 1)]
    dataset = make_dataset(tmp_path / "dataset")
    _archive(tmp_path, dataset, "a", one)
    _archive(tmp_path, dataset, "b", other)
    report = compact_quietly(dataset)
    assert (report.days, report.contested_traces) == (("2026-01-30", "2026-01-31"), 1)
    assert read_dataset(dataset) == read_dataset(_archive_all(tmp_path, [*one, *other]))
    assert find_days(dataset, session_ids=["s"]) == {"s": ("2026-01-30",)}
    assert compact_quietly(dataset).days == ()


def test_one_file_is_left_as_it_is(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    _archive(tmp_path, dataset, "a", [_span(1, 1, None, 0, 100), _span(2, 2, None, 86_400_000, 86_400_100)])
    before = _digest(dataset)
    assert compact_quietly(dataset).days == ()
    assert _digest(dataset) == before


def test_parts_whose_manifest_is_not_there_stay(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    _archive(tmp_path, dataset, "a", [_span(1, 1, None, 0, 100)])
    before = _digest(dataset)
    (place,) = Path(dataset.join("_manifests")).iterdir()
    text = place.read_bytes()
    place.unlink()
    code, printed, _ = run("compact", dataset.path)
    assert (code, "in no manifest, and not read" in printed) == (0, True)
    place.write_bytes(text)
    assert _digest(dataset) == before


def test_leftovers_are_removed(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    _archive(tmp_path, dataset, "a", [_span(1, 1, None, 0, 100)])
    files = {path for path in Path(dataset.path).rglob("*") if path.is_file()}
    for name in ("part-merged-7.parquet", ".part-b-1.parquet.tmp"):
        Path(dataset.join("spans", "date=2026-01-31", name)).write_bytes(b"half")
    Path(dataset.join("logs", "date=2026-02-01")).mkdir()
    Path(dataset.join("logs", "date=2026-02-01", "part-merged-0.parquet")).write_bytes(b"half")
    Path(dataset.join(".compacting")).mkdir()
    with lock_dataset(dataset, alone=False):
        code, _, errors = run("compact", dataset.path)
    assert (code, "run this again when it has ended" in errors) == (2, True)
    assert compact_quietly(dataset).removed_parts == 2
    left = {path for path in Path(dataset.path).rglob("*") if path.is_file()} - files
    assert {path.name for path in left} <= {".lock", "_compacted.json", "locator.json"} | {
        path.name for path in left if path.name.startswith("ids-")
    }


def test_a_damaged_part_stops_it(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    front, back = _make_counted()
    _archive(tmp_path, dataset, "a", front)
    _archive(tmp_path, dataset, "b", back)
    (part,) = (part for part in read_manifests(dataset)[0].parts if part.table == "spans")
    whole = Path(dataset.join(part.path))
    content = whole.read_bytes()
    names = [manifest.name for manifest in read_manifests(dataset)]
    for damaged in (content[: len(content) // 2], None):
        whole.unlink() if damaged is None else whole.write_bytes(damaged)
        code, _, errors = run("compact", dataset.path)
        assert (code, "copy it from a backup" in errors) == (2, True)
        assert [manifest.name for manifest in read_manifests(dataset)] == names
    whole.write_bytes(content)
    assert run("compact", dataset.path)[0] == 0
