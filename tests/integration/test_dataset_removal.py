# SPDX-License-Identifier: Apache-2.0
"""`delete` and `prune` leave in a dataset what they leave in a file."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, open_dataset
from otel_sqlite_exporter.archive.dataset_format.manifests import read_manifests
from tests.commands import run
from tests.dataset_files import DAY_NS, FIRST_NS, export_records
from tests.dataset_records import archive_all, read_parts
from tests.forked_commands import run_forked

_TWIN = f"{0x3B00:032x}"


@pytest.fixture(scope="module")
def rich(small_rich: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind, with a dataset beside it whose parts are put together."""
    path = tmp_path_factory.mktemp("rich") / small_rich.name
    shutil.copyfile(small_rich, path)
    shutil.copytree(small_rich.with_name("dataset"), path.with_name("dataset"))
    compact(open_dataset(path.with_name("dataset")), lambda done, of, what: None)
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of sessions on the last days, with a dataset beside it."""
    path = tmp_path_factory.mktemp("old") / "old.db"
    export_records(path, [*_make_old(time.time_ns())])
    assert run("pin", "--session", "day 0", path)[0] == 0
    archive_all(path, path.with_name("dataset"))
    return path


def _copy(rich: Path, folder: Path) -> DatasetFolder:
    """Its name is a pattern of files, too."""
    shutil.copytree(rich.with_name("dataset"), folder / "[d]ata set*?")
    return open_dataset(folder / "[d]ata set*?")


def _check_equal(rich: Path, dataset: DatasetFolder, folder: Path, *command: str) -> None:
    """Run a command on a copy of the file, and check that the dataset has what is left."""
    shutil.copyfile(rich, folder / "expected.db")
    assert run(command[0], folder / "expected.db", *command[1:])[0] == 0
    expected, found = read_parts(archive_all(folder / "expected.db", folder / "expected")[0]), read_parts(dataset)
    for table, rows in expected.items():
        assert found[table] == rows, table


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--session", "both"),
        ("--trace", _TWIN),
        ("--user", "user-1", "--user", "ada"),
        ("--service", "gateway"),
        ("--since", "2026-02-02", "--until", "2026-02-03"),
        ("--user", "user-0", "--until", "2026-02-01"),
    ],
    ids=lambda options: " ".join(options)[:24],
)
def test_a_deletion_leaves_what_it_leaves_in_a_file(rich: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    dataset = _copy(rich, tmp_path)
    before = read_parts(dataset)
    code, out, _ = run("delete", dataset.path, *options, "--dry-run", "--json")
    planned = json.loads(out)
    assert read_parts(dataset) == before
    code, out, errors = run("delete", dataset.path, *options, "--yes", "--json")
    assert (code, errors) == (0, "")
    told = json.loads(out)
    assert told["removed"]["spans"] + told["removed"]["logs"] > 0
    assert 0 < planned["bytes"] < told["bytes_before"]
    assert {name: told["removed"][name] for name in ("spans", "logs", "points")} == {
        name: planned[name] for name in ("spans", "logs", "points")
    }
    _check_equal(rich, dataset, tmp_path, "delete", *options, "--yes")


def test_nothing_of_what_is_deleted_is_left_in_any_file(rich: Path, tmp_path: Path) -> None:
    dataset = _copy(rich, tmp_path)
    texts = ("--verify", "user of both", "--verify", f"{0x1004:032x}")
    code, out, _ = run("delete", dataset.path, *texts, "--json")
    left = json.loads(out)["left"]
    assert code == 1
    assert {one["kind"] for one in left} >= {"part"}
    assert {one["text"] for one in left} == {*texts[1::2]}
    half = Path(dataset.join("spans", "date=2026-01-31", ".part-left-0.parquet.tmp"))
    shutil.copyfile(next(half.parent.glob("part-*")), half)
    arguments = ("--user", "user of both", "--trace", f"{0x1004:032x}")
    for asked in (arguments[:2], arguments[2:]):
        assert run("delete", dataset.path, *asked, "--yes")[0] == 0
    code, out, _ = run("delete", dataset.path, *texts)
    assert (code, "none of the texts is left" in out) == (0, True)
    assert not half.exists()
    code, out, _ = run("delete", dataset.path, *arguments[2:], "--yes")
    assert code == 1
    assert f"there is no trace '{0x1004:032x}' in {dataset.path}" in out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("delete", "--where", "status:error"), "takes no --where: find the traces with `sql`"),
        (("delete", "--where", "status:error", "--yes"), "takes no --where: find the traces with `sql`"),
        (("delete", "--session", "both", "--backups"), "--backups is for files"),
        (("delete", "--session", "both"), "nobody can be asked here, so give --yes"),
        (("delete",), "nothing says what"),
        (("prune",), "give --older-than"),
        (("prune", "--older-than", "9d", "--max-sessions", "3"), "are for files"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:20],
)
def test_what_a_dataset_does_not_take_is_said(rich: Path, command: tuple[str, ...], said: str) -> None:
    dataset = open_dataset(rich.with_name("dataset"))
    names = sorted(os.listdir(dataset.join("_manifests")))
    code, _, errors = run(command[0], dataset.path, *command[1:])
    assert code == 2
    assert said in errors
    assert sorted(os.listdir(dataset.join("_manifests"))) == names


def _make_old(now: int) -> Iterator[ReadableSpan]:
    """Sessions on 6 days, each with a trace on two days. The last are younger than three days; one of these, and one
    that is older, tell the same call."""
    for day in range(6):
        for half in range(2):
            start = (now // DAY_NS - 6 + day + half) * DAY_NS + 10**9
            attributes: dict[str, str | int] = {"session.id": f"day {day}", "gen_ai.usage.input_tokens": 5}
            attributes |= {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
            attributes |= {"gen_ai.response.id": "r 3 0" if (day, half) == (2, 1) else f"r {day} {half}"}
            yield ReadableSpan(
                "chat",
                SpanContext(16 * (day + 1) + half + 1, 1, False, TraceFlags(1)),
                resource=Resource({"service.name": f"service {day % 2}"}),
                attributes=attributes,
                start_time=start,
                end_time=start + 10**9,
            )


@pytest.mark.parametrize("options", [(), ("--service", "service 1")], ids=["all services", "one service"])
def test_what_is_pruned_is_what_is_pruned_of_a_file(old: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    dataset = _copy(old, tmp_path)
    asked = ("--older-than", "3d", *options)
    planned = json.loads(run("prune", dataset.path, *asked, "--dry-run", "--json")[1])
    code, out, errors = run("prune", dataset.path, *asked, "--json")
    assert (code, errors) == (0, "")
    told = json.loads(out)
    assert told["sessions"] == planned["sessions"] > 0
    assert bool(told["removed_days"]) is not bool(options)
    for date in told["removed_days"]:
        assert not os.path.exists(dataset.join("spans", f"date={date}"))
    _check_equal(old, dataset, tmp_path, "prune", *asked)
    assert "nothing is due" in run("prune", dataset.path, *asked)[1]


@pytest.mark.parametrize(
    "removal", [("prune", "--older-than", "3d"), ("delete", "--session", "day 0", "--yes")], ids=["prune", "delete"]
)
def test_what_is_gone_from_a_dataset_is_not_archived_again(tmp_path: Path, removal: tuple[str, ...]) -> None:
    old = tmp_path / "old.db"
    export_records(old, [*_make_old(time.time_ns())])
    assert run("archive", old, "--to", tmp_path / "[d]ata set*?")[0] == 0
    dataset = open_dataset(tmp_path / "[d]ata set*?")
    assert run(removal[0], dataset.path, *removal[1:])[0] == 0
    left = read_parts(dataset)
    empty = {manifest.date for manifest in read_manifests(dataset) if not manifest.parts}
    assert empty
    for dry in (("--dry-run",), ()):
        told = json.loads(run("archive", old, "--to", dataset.path, *dry, "--json")[1])
        assert (told["days"], told["removed_days"]) == ([], len(empty))
    said = run("archive", old, "--to", dataset.path)[1]
    assert f"the dataset has {told['known_days'] - len(empty)} day" in said
    assert re.search(rf"left alone: {len(empty)} days? that w\w+ removed from the dataset", said)
    assert "nothing to put together" in run("compact", dataset.path)[1]
    assert run("archive", old, "--to", dataset.path, "--prune")[0] == 0
    assert read_parts(dataset) == left
    with closing(sqlite3.connect(old)) as file:
        assert empty <= {date for (date,) in file.execute("SELECT substr(start_time, 1, 10) FROM traces")}


def test_calls_of_others_that_shared_a_response_are_counted_again(old: Path, tmp_path: Path) -> None:
    dataset = _copy(old, tmp_path)
    assert run("delete", dataset.path, "--session", "day 2", "--yes")[0] == 0
    _check_equal(old, dataset, tmp_path, "delete", "--session", "day 2", "--yes")
    code, _, errors = run("export", dataset.path, "--session", "day 2")
    assert (code, "there is no session 'day 2'" in errors) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("command", [("delete", "--since", "2026-02-01", "--until", "2026-02-03", "--yes"), ("prune",)])
def test_a_run_that_is_killed_is_completed_by_the_next(rich: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    if command == ("prune",):  # two of the days go as a whole
        command = ("prune", "--older-than", f"{(time.time_ns() - FIRST_NS - 2 * DAY_NS) // (3600 * 10**9)}h")
    chance = random.Random(7)
    whole = _copy(rich, tmp_path)
    before = read_parts(whole)
    ended = run_forked(command[0], whole.path, *command[1:])
    expected = read_parts(whole)
    assert (ended.code, expected != before) == (0, True), ended.output
    killed = 0
    for number in range(2):  # most changes are in the second half
        dataset = _copy(rich, tmp_path / str(number))
        cpu_s = ended.cpu_s * (0.5 + 0.45 * (number + chance.random()) / 2)
        killed += run_forked(command[0], dataset.path, *command[1:], cpu_s=cpu_s).is_killed
        assert command[0] == "prune" or read_parts(dataset) in (before, expected)
        assert run_forked(command[0], dataset.path, *command[1:]).code == 0
        assert read_parts(dataset) == expected
        held = {part.path for manifest in read_manifests(dataset) for part in manifest.parts}
        files = {os.path.relpath(path, dataset.path) for path in Path(dataset.path).rglob("part-*")}
        assert {path for path in files if not path.endswith("part-empty-0.parquet")} == held
    assert killed
