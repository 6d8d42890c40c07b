# SPDX-License-Identifier: Apache-2.0
"""`delete`: what a selector chooses goes with all that hangs on it; what stays is what an import of it alone gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.deletion_run import delete_records, plan_deletion
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from tests.conftest import read
from tests.mixed_records import Record, export_batches, mixed_records, read_views

Key = tuple[Any, ...]
_START = 1_795_000_000_000_000_000
_SPANS = "SELECT trace_id, span_id, kind, session_id, service_name, attributes FROM spans"
_LOGS = "SELECT trace_id, session_id, service_name, attributes ->> 'number', start_time_unix_nano, attributes FROM logs"
_TIMES = "SELECT trace_id, start_time_unix_nano FROM traces"


class Stored:
    """A record as the views show it."""

    def __init__(self, key: Key, trace: str | None, session: str | None, service: str, time: int, text: str) -> None:
        self.key, self.trace, self.session, self.service, self.time, self.text = (
            key,
            trace,
            session,
            service,
            time,
            text,
        )


def stored(path: Path) -> list[Stored]:
    """All records of a file; those of a trace have its time."""
    times = dict(read(path, _TIMES))
    spans = [
        Stored((trace, span, kind in ("SERVER", "CONSUMER")), trace, session, service, times[trace], text)
        for trace, span, kind, session, service, text in read(path, _SPANS)
    ]
    logs = [
        Stored((number, time), trace, session, service, times[trace] if trace else time, text)
        for trace, session, service, number, time, text in read(path, _LOGS)
    ]
    return spans + logs


def key_of(record: Record) -> Key:
    """What the file has one row for."""
    if isinstance(record, ReadableSpan):
        context = record.context
        assert context is not None
        return (
            f"{context.trace_id:032x}",
            f"{context.span_id:016x}",
            record.kind in (SpanKind.SERVER, SpanKind.CONSUMER),
        )
    return (record.log_record.attributes or {})["number"], record.log_record.timestamp


def _time(step: int) -> int:
    return _START + step * 700_000_000


CHOICES: list[tuple[str, DeletionRule, Callable[[Stored], bool]]] = [
    ("session", DeletionRule(sessions=("A",)), lambda one: one.session == "A"),
    ("sessions", DeletionRule(sessions=("A", "C")), lambda one: one.session in ("A", "C")),
    ("trace", DeletionRule(traces=("0" * 31 + "1",)), lambda one: one.trace == "0" * 31 + "1"),
    ("service", DeletionRule(services=("two",)), lambda one: one.service == "two"),
    ("since", DeletionRule(since=_time(4)), lambda one: one.time >= _time(4)),
    ("until", DeletionRule(until=_time(4)), lambda one: one.time < _time(4)),
    ("range", DeletionRule(since=_time(2), until=_time(7)), lambda one: _time(2) <= one.time < _time(7)),
    (
        "session and service",
        DeletionRule(sessions=("A", "B"), services=("one",)),
        lambda one: one.session in ("A", "B") and one.service == "one",
    ),
    (
        "session and time",
        DeletionRule(sessions=("B",), until=_time(6)),
        lambda one: one.session == "B" and one.time < _time(6),
    ),
]


@pytest.mark.parametrize(("rule", "goes"), [choice[1:] for choice in CHOICES], ids=[choice[0] for choice in CHOICES])
@settings(max_examples=2, deadline=None, phases=[Phase.generate], report_multiple_bugs=False)
@given(records=mixed_records())
def test_what_is_chosen_goes_and_the_rest_is_as_if_it_alone_had_come(
    rule: DeletionRule, goes: Callable[[Stored], bool], records: list[Record]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        export_batches(path, [records])
        wanted = {one.key for one in stored(path) if not goes(one)}
        check_deletion(path, rule, records, wanted)


@settings(max_examples=5, deadline=None, phases=[Phase.generate], report_multiple_bugs=False)
@given(records=mixed_records())
def test_nothing_of_a_deleted_user_stays(records: list[Record]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        export_batches(path, [records])
        before = stored(path)
        # What names the user, all of its traces, and the sessions that these show.
        own = {one.key for one in before if '"ada"' in one.text} | _find_users(path, before)
        traces = {one.trace for one in before if one.key in own} - {None, ""}
        sessions = {one.session for one in before if one.key in own or one.trace in traces} - {None}
        strangers = {one.key for one in before if one.trace not in traces and one.session not in sessions} - own
        check_deletion(path, DeletionRule(users=("ada",)), records, None)
        after = stored(path)
        assert strangers <= {one.key for one in after}
        assert not [one for one in after if '"ada"' in one.text]
        assert not [row for rows in read_views(path).values() for row in rows if "'ada'" in row]


def _find_users(path: Path, before: Iterable[Stored]) -> set[Key]:
    """The records with an event that names the user."""
    spans = read(path, "SELECT trace_id, span_id FROM events WHERE attributes LIKE '%\"ada\"%'")
    return {one.key for one in before if one.key[:2] in spans}


def check_deletion(path: Path, rule: DeletionRule, records: list[Record], wanted: set[Key] | None) -> None:
    """Delete by `rule`, and compare the file with one that never had what went."""
    settings = resolve_settings(path)
    plan = plan_deletion(settings, rule)
    before = len(stored(path))
    report = delete_records(settings, rule)
    assert report is not None
    assert report.erasure.is_complete
    kept = {one.key for one in stored(path)}
    assert wanted is None or kept == wanted
    assert plan.chosen.records == before - len(kept) == report.removed.spans + report.removed.logs
    removed = report.removed
    assert plan.chosen.traces == removed.traces
    other = path.with_name("other.db")
    open_file(resolve_settings(other)).close()
    export_batches(other, [[record for record in records if key_of(record) in kept]])
    assert read_views(path) == read_views(other)
    for table in ("_deletion_records", "_deletion_names"):
        assert read(path, f"SELECT * FROM {table}") == []
    ledger = read(path, "SELECT command, is_complete, spans, logs, rule FROM _deletions")
    if plan.chosen.records:
        assert ledger[0][:4] == ("delete", 1, removed.spans, removed.logs)
        assert not {"A", "B", "C", "ada", "one", "two"} & {*json.loads(ledger[0][4]).values()}
