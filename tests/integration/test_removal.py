# SPDX-License-Identifier: Apache-2.0
"""What stays in a file from which records were removed is what an import of the rest alone gives."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.record_removal import remove_records
from otel_sqlite_exporter.write.removal.removal_steps import remove_in_steps
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove, RemovedCounts
from tests.file_checks import check_file
from tests.mixed_records import Record, export_batches, make_log, mixed_records, read_views
from tests.new_files import put_new_file
from tests.sample_traces import write_traces

_SPANS = """
    SELECT s.id FROM _spans AS s JOIN _traces AS t ON t.id = s.trace
    WHERE t.trace_id = ? AND s.span_id = ? AND s.kind IN (1, 4) = ?
"""
_LOGS = "SELECT id FROM _logs WHERE attributes ->> 'number' = ? AND time_unix_nano = ?"


def _key(record: Record) -> tuple[object, ...]:
    """What the file has one row for."""
    if isinstance(record, ReadableSpan):
        context = record.context
        assert context is not None
        side = record.kind in (SpanKind.SERVER, SpanKind.CONSUMER)
        return f"{context.trace_id:032x}", f"{context.span_id:016x}", side
    return (record.log_record.attributes or {})["number"], record.log_record.timestamp


def _find(path: Path, keys: Collection[tuple[object, ...]]) -> RecordsToRemove:
    with closing(sqlite3.connect(path)) as file:
        spans = [id for key in keys if len(key) == 3 for (id,) in file.execute(_SPANS, key)]
        logs = [id for key in keys if len(key) == 2 for (id,) in file.execute(_LOGS, key)]
    return RecordsToRemove(spans, logs)


def _remove(path: Path, steps: Sequence[RecordsToRemove], *, in_steps: bool = False) -> RemovedCounts:
    settings, counts = resolve_settings(path), RemovedCounts()
    with closing(open_file(settings)) as connection:
        if in_steps:
            waiting = iter(steps)
            return remove_in_steps(connection, settings, lambda limit: next(waiting, None), rest=lambda held: None)
        for step in steps:
            with transaction(connection):
                counts = counts.add(remove_records(connection, settings, step))
    return counts


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    assert [one for one in diagnose(resolve_settings(path)) if one.severity == "problem"] == []


@settings(max_examples=8, deadline=None)
@given(records=mixed_records(), data=st.data())
def test_the_rest_is_as_if_it_alone_had_come(records: list[Record], data: st.DataObject) -> None:
    keys = sorted({_key(record) for record in records}, key=repr)
    gone = data.draw(st.lists(st.sampled_from(keys), unique=True, min_size=1))
    rest = [record for record in records if _key(record) not in gone]
    cut = data.draw(st.integers(0, len(gone)))
    with TemporaryDirectory() as folder:
        path, other = Path(folder, "otel.db"), Path(folder, "other.db")
        for one in (path, other):
            put_new_file(one)
        export_batches(path, [records])
        export_batches(other, [rest])
        counts = _remove(path, [_find(path, gone[:cut]), _find(path, gone[cut:])], in_steps=data.draw(st.booleans()))
        assert counts.spans == sum(len(key) == 3 for key in gone)
        assert counts.logs == sum(len(key) == 2 for key in gone)
        assert read_views(path) == read_views(other)
        _check(path)
        result = reindex(resolve_settings(path))
        assert (result.changed_spans, result.changed_logs, result.recounted_calls) == (0, 0, 0)


def test_ids_of_removed_rows_do_not_come_again(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "otel.db", 2)
    export_batches(path, [[make_log(1)]])
    before = _read_ids(path)
    with closing(sqlite3.connect(path)) as file:
        all_ids = [[id for (id,) in file.execute(f"SELECT id FROM {table}")] for table in ("_spans", "_logs")]
    _remove(path, [RecordsToRemove(*all_ids)])
    assert not any(_read_ids(path).values())
    write_traces(path, 2)
    export_batches(path, [[make_log(1)]])
    for table, ids in _read_ids(path).items():
        assert len(ids) == len(before[table]) > 0
        assert min(ids) > max(before[table]), table


def _read_ids(path: Path) -> dict[str, set[int]]:
    tables = ("_spans", "_events", "_logs", "_sessions", "_traces", "_llm_interactions", "_tool_interactions")
    with closing(sqlite3.connect(path)) as file:
        return {table: {id for (id,) in file.execute(f"SELECT id FROM {table}")} for table in tables}
