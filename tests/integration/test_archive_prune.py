# SPDX-License-Identifier: Apache-2.0
"""`archive --prune` removes what the dataset has as it is, by the rules of `prune`, and no more."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import Annotations, SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.archive.archiving.archived_limit import ArchivedLimit
from otel_sqlite_exporter.errors import DamagedFileError, MissingFileError
from tests.aged_spans import DAY_NS, NOW_NS, aged_call, aged_log, aged_span
from tests.archived import archive, list_column, read_dataset
from tests.commands import run
from tests.conftest import exporting, read
from tests.file_checks import check_file
from tests.sample_points import encode_points, make_points, write_points

pytest.importorskip("duckdb")
TODAY = NOW_NS // DAY_NS
SUMS = "SELECT date, model, sum(calls), sum(total_tokens) FROM usage GROUP BY 1, 2 ORDER BY 1, 2"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return tmp_path / "dataset"


def export(path: Path, spans: Sequence[Any], logs: Sequence[Any] = ()) -> None:
    with exporting(path) as exporter:
        exporter.export(list(spans))
    if logs:
        log_exporter = SQLiteLogRecordExporter(path)
        log_exporter.export(list(logs))
        log_exporter.shutdown()


def prune(path: Path, dataset: Path, *, before: int = 5) -> dict[str, int]:
    """Archive and prune what ended before so many days; the reasons for which something stays."""
    done = archive(path, dataset, until=TODAY - before, removes=True).pruned
    assert done is not None
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    return {str(reason): number for reason, number in done.kept.items()}


def names(path: Path) -> list[str]:
    return [name for (name,) in read(path, "SELECT name FROM spans ORDER BY name")]


def test_whole_sessions_go_once_all_their_days_are_in_the_dataset(path: Path, dataset: Path) -> None:
    export(
        path,
        [
            aged_call("a-1", 20.5, tokens=3, session="a"),
            aged_call("a-2", 12.5, tokens=4, session="a"),
            aged_call("b-1", 20.5, tokens=5, session="b"),
            aged_call("b-2", 2.5, tokens=6, session="b"),
            aged_span("alone", 9.5),
            aged_span("pinned", 20.5, session="p"),
        ],
        [aged_log("old", 20.5), aged_log("new", 2.5), aged_log("of a", 15.5, session="a")],
    )
    sums = read(path, SUMS)
    Annotations(path).pin(session_id="p", label="")
    assert prune(path, dataset) == {"pinned": 1}
    assert names(path) == ["b-1", "b-2", "pinned"]
    assert read(path, "SELECT body FROM logs") == [('"new"',)]
    assert read(path, SUMS) == sums
    assert list_column(dataset, "spans", "name") == ["a-1", "a-2", "alone", "b-1", "pinned"]
    assert read(path, "SELECT rule ->> 'archived', sessions, spans FROM deletions") == [(1, 1, 3)]
    assert prune(path, dataset, before=1) == {"pinned": 1}
    assert names(path) == ["pinned"]
    assert list_column(dataset, "spans", "name") == ["a-1", "a-2", "alone", "b-1", "b-2", "pinned"]


def test_what_comes_after_its_trace_was_removed_is_added(path: Path, dataset: Path) -> None:
    trace, other = 0x77, 0x78
    export(path, [aged_span("first", 9.5, trace=trace), aged_span("other", 9.5, trace=other)], [aged_log("l-1", 9.5)])
    prune(path, dataset)
    assert names(path) == []
    export(path, [aged_span(f"late-{number}", 9.5, trace=trace) for number in range(3)], [aged_log("l-2", 9.5)])
    (day,) = archive(path, dataset, until=TODAY - 5).archived.days
    assert (day.kind, day.spans, day.logs) == ("added", 3, 1)
    assert list_column(dataset, "spans", "name") == ["first", "late-0", "late-1", "late-2", "other"]
    assert list_column(dataset, "logs", "body") == ['"l-1"', '"l-2"']
    export(path, [aged_span("late-3", 9.5, trace=trace), aged_span("new", 9.5)])
    (day,) = archive(path, dataset, until=TODAY - 5).archived.days
    assert (day.kind, day.spans, day.logs) == ("added", 5, 0)  # the trace is whole as the file has it: until `compact`


def test_a_trace_of_two_sessions_that_runs_in_one_of_them_stays_in_both(path: Path, dataset: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.export_open([aged_span("runs", 9.5, trace=7, session="a")])
    exporter.export([aged_span("ended", 9.5, trace=7, session="b"), aged_span("apart", 9.5)])
    assert prune(path, dataset) == {"running": 1, "unarchived": 1}
    assert names(path) == ["ended", "runs"]
    exporter.shutdown()


def test_what_comes_between_archive_and_removal_stays(
    path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(path, [aged_span("a", 9.5, trace=7), aged_span("b", 8.5, trace=8)], [aged_log("l", 9.5, session="s")])
    real = ArchivedLimit.__init__

    def write_first(self: ArchivedLimit, run: Any) -> None:
        real(self, run)
        export(path, [aged_span("late", 9.5, trace=7)], [aged_log("late", 9.5, session="s")])

    monkeypatch.setattr(ArchivedLimit, "__init__", write_first)
    assert prune(path, dataset) == {"unarchived": 2}
    assert names(path) == ["a", "late"]
    monkeypatch.undo()
    assert prune(path, dataset) == {}
    assert (names(path), read(path, "SELECT count(*) FROM logs")) == ([], [(0,)])
    assert list_column(dataset, "spans", "name") == ["a", "b", "late"]
    assert list_column(dataset, "logs", "body") == ['"l"', '"late"']


def test_points_of_archived_days_go_by_their_time(path: Path, dataset: Path) -> None:
    points = encode_points([*make_points(3, NOW_NS - 9 * DAY_NS), *make_points(3, NOW_NS - DAY_NS)])
    write_points(path, points)
    prune(path, dataset)
    archived = len(points) // 2
    assert len(list_column(dataset, "metrics", "name")) == archived
    assert read(path, "SELECT count(*) FROM metric_points WHERE raw_points IS NULL") == [(len(points) - archived,)]


@pytest.mark.parametrize("damage", ["cut", "gone", "flipped", "fewer"])
def test_nothing_is_removed_if_a_part_is_not_whole(path: Path, dataset: Path, damage: str) -> None:
    export(path, [aged_span("a", 9.5), aged_span("b", 9.5)])
    archive(path, dataset, until=TODAY - 5)
    part = next(one for one in (dataset / "spans").rglob("*.parquet") if "empty" not in one.name)
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:-100])
    elif damage == "gone":
        part.unlink()
    elif damage == "flipped":
        content = bytearray(part.read_bytes())
        content[60] ^= 0xFF
        part.write_bytes(content)
    else:
        manifest = next((dataset / "_manifests").iterdir())
        told = json.loads(manifest.read_text())
        told["parts"] = [one for one in told["parts"] if one["table"] != "spans"]
        manifest.write_text(json.dumps(told))
    with pytest.raises(DamagedFileError, match=r"the part|other numbers of rows"):
        prune(path, dataset)
    assert names(path) == ["a", "b"]


def test_another_dataset_gets_all_that_the_file_still_has(path: Path, dataset: Path, tmp_path: Path) -> None:
    export(path, [aged_span("a", 9.5), aged_span("b", 2.5)])
    prune(path, dataset)
    archive(path, tmp_path / "other", until=TODAY)
    assert list_column(tmp_path / "other", "spans", "name") == ["b"]
    shutil.rmtree(dataset)
    archive(path, dataset, until=TODAY)
    assert read_dataset(dataset)["spans"] == read_dataset(tmp_path / "other")["spans"]


def test_what_a_copy_of_the_file_wrote_to_a_restored_dataset_is_not_taken_for_its_own(
    path: Path, dataset: Path, tmp_path: Path
) -> None:
    export(path, [aged_span("both", 20.5)])
    archive(path, dataset, until=TODAY - 15)
    backup, copy = tmp_path / "backup", tmp_path / "copy.db"
    shutil.copytree(dataset, backup)
    shutil.copyfile(path, copy)
    for file, name in ((path, "own"), (copy, "of the copy")):
        export(file, [aged_span(name, 9.5)])
    archive(path, dataset, until=TODAY - 5)
    shutil.rmtree(dataset)
    shutil.copytree(backup, dataset)
    archive(copy, dataset, until=TODAY - 5)
    prune(path, dataset)
    assert {"own", "of the copy"} <= {*list_column(dataset, "spans", "name")}


def test_nothing_is_removed_into_a_folder_that_may_not_be_mounted(path: Path, dataset: Path, tmp_path: Path) -> None:
    export(path, [aged_span("old", 10)])
    prune(path, dataset)
    export(path, [aged_span("next", 9)])
    with pytest.raises(MissingFileError, match="is its disk mounted"):
        prune(path, tmp_path / "other")
    code, _, error = run("archive", path, "--to", tmp_path / "other", "--prune", "--dry-run")
    assert (code, "is its disk mounted" in error) == (2, True)
    assert names(path) == ["next"]
    assert not (tmp_path / "other").exists()
    archive(path, tmp_path / "other", until=TODAY - 5)
    prune(path, tmp_path / "other")
    assert names(path) == []
