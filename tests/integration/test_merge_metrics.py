# SPDX-License-Identifier: Apache-2.0
"""Metrics of files that are merged: each point once, in any order of files, copies and repetitions."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    SUM,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.retention.hourly.hour_points import HOUR_NS
from tests.aged_spans import DAY_NS, NOW_NS
from tests.commands import COMMAND, run
from tests.conftest import clean_environment, read
from tests.file_checks import check_file
from tests.frozen_files.frozen_file import unpack
from tests.integration.test_hourly_points import make_hours
from tests.mixed_points import encode, mixed_points, read_metrics, write_batches
from tests.new_files import put_new_file
from tests.sample_points import encode_points, make_points, write_points

_END = NOW_NS // HOUR_NS * HOUR_NS - 3 * DAY_NS


def merge(target: Path, *sources: Path, **environment: Any) -> list[dict[str, Any]]:
    """Merge files, check the target, and return what became of each."""
    done, output, errors = run("merge", *sources, "--into", target, "--json", **environment)
    assert (done, errors) == (0, "")
    with closing(sqlite3.connect(target)) as file:
        check_file(file)
    files: list[dict[str, Any]] = json.loads(output)["files"]
    return files


def copy(path: Path, name: str) -> Path:
    return Path(shutil.copyfile(path, path.with_name(f"{name}.db")))


def _counters(path: Path) -> list[Any]:
    return read(
        path, "SELECT digest, late_points, refused_points, hourly_until_unix_nano FROM _metric_series ORDER BY 1"
    )


def test_a_file_comes_over_with_all_that_its_views_show(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_points(source, encode_points(make_points(20)))
    expected, before = read_metrics(source), source.read_bytes()
    (report,) = merge(path, source)
    number = read(source, "SELECT count(*) FROM metric_points")[0][0]
    assert (report["new_points"], report["known_points"]) == (number, 0)
    assert read_metrics(path) == expected
    assert source.read_bytes() == before
    counted = "SELECT signal, points, refused FROM _exporter_runs"
    assert read(path, counted) == read(source, counted) == [("metrics", number, 0)]
    code, output, _ = run("merge", source, "--into", tmp_path / "other.db")
    assert (code, output.splitlines()[-1]) == (
        0, f"added 0 spans, 0 log records and {number} data points to {tmp_path / 'other.db'}"
    )  # fmt: skip


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    points = encode_points(make_points(6))
    write_points(source, points[:40])
    merge(path, source)
    before = path.read_bytes()
    (report,) = merge(path, source)
    assert (report["is_unchanged"], report["new_points"], report["known_points"]) == (True, 0, 0)
    assert path.read_bytes() == before
    write_points(source, points)  # those of before again
    (report,) = merge(path, source)
    assert (report["new_points"], report["known_points"]) == (len(points) - 40, 40)
    assert read_metrics(path) == read_metrics(source)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_points_that_are_split_over_files_merge_to_one_file_of_all(data: st.DataObject) -> None:
    points = encode(data.draw(mixed_points(_END, hours=4, most=40, sessions=(None, "a"))))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    with TemporaryDirectory() as folder:
        one = Path(folder, "one.db")
        write_batches(one, [points])
        expected = read_metrics(one)
        target = Path(folder, "target.db")
        sources = [Path(folder, f"source {number}.db") for number in range(chance.randrange(1, 4))]
        shares: dict[Path, list[EncodedPoint]] = {path: [] for path in [target, *sources]}
        for point in points:
            for path in chance.sample([*shares], chance.randrange(1, len(shares) + 1)):
                shares[path].append(point)
        middle = {path: chance.randrange(len(share) + 1) for path, share in shares.items()}
        for path, share in shares.items():
            write_batches(path, [share[: middle[path]]])
        merge(target, *chance.sample(sources, chance.randrange(1, len(sources) + 1)))
        for path, share in shares.items():
            write_batches(path, [share[middle[path] :]])
        if chance.random() < 0.5:
            sources.append(copy(sources[0], "copy"))
        for _ in range(2):
            for path in chance.sample(sources, len(sources)):
                merge(target, path)
            assert read_metrics(target) == expected


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_hours_and_points_as_they_came_count_once_in_any_order(data: st.DataObject) -> None:
    points = encode(data.draw(mixed_points(_END, hours=4, most=40)))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    with TemporaryDirectory() as folder:
        live = Path(folder, "live.db")
        copies = []
        step = chance.randrange(len(points) + 1)
        until = _END - 3 * HOUR_NS
        for number, share in enumerate((points[:step], points[step:], [])):
            write_batches(live, [share])
            if chance.random() < 0.7:
                make_hours(live, until, most=chance.choice([1, 3, 1_000]))
                until += HOUR_NS
            copies.append(copy(live, f"copy {number}"))
        found = []
        for number, order in enumerate(chance.sample([*permutations(copies)], 2)):
            target = Path(folder, f"target {number}.db")
            if number % 2:
                shutil.copyfile(order[0], target)
            put_new_file(target)
            sources = [*order, chance.choice(copies)]
            for merged in (sources,) if number else ([source] for source in sources):
                merge(target, *merged)
            found.append((read_metrics(target), _counters(target)))
            # A merged file is a source, too.
            again = Path(folder, f"again {number}.db")
            put_new_file(again)
            merge(again, target, *chance.sample(copies, 2))
            found.append((read_metrics(again), _counters(again)))
        assert all(one == found[0] for one in found)
        make_hours(target, _END)
        assert read(
            target, "SELECT count(*) FROM _metric_points WHERE time_unix_nano < ? AND raw_points IS NULL", _END
        ) == [(0,)]


def _count(name: str, minute: int, value: int, kind: str = DELTA, host: str = "one") -> PointFields:
    """A point of a sum so many minutes after a whole hour."""
    first = _END - 10 * HOUR_NS
    time = first + minute * 60 * 10**9
    start = time - 60 * 10**9 if kind == DELTA else first
    instrument = InstrumentFields(name, "", "1", SUM, kind, True)
    resource = ResourceFields({"service.name": "shop", "host.name": host})
    return PointFields(instrument, {"k": 1}, start, time, 0, value, None, [], resource, ScopeFields("meters"))


_HOURLY = "SELECT name, sum(delta), count(*), sum(raw_points) FROM metric_points GROUP BY 1 ORDER BY 1"


def test_hours_of_a_file_and_points_of_its_older_copy_count_once(tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    points = [
        point
        for minute in range(1, 180)
        for point in (_count("delta", minute, 1), _count("total", minute, minute, CUMULATIVE))
    ]
    write_batches(live, [encode(points[:300])])
    backup = copy(live, "backup")
    write_batches(live, [encode(points[300:])])
    make_hours(live, _END - 8 * HOUR_NS)
    expected = read(live, _HOURLY)
    assert expected == [("delta", 179, 61 + 1, 119 - 1 + 1), ("total", 179, 62, 119)]
    for order in ((live, backup), (backup, live)):
        target = tmp_path / f"{order[0].stem} first.db"
        merge(target, *order)
        assert read(target, _HOURLY) == expected
    merge(backup, live)
    merge(live, copy(backup, "other"))
    assert read(backup, _HOURLY) == read(live, _HOURLY) == expected


def test_a_file_of_another_day_keeps_its_points_before_hours_of_a_file(tmp_path: Path, path: Path) -> None:
    early, late = tmp_path / "early.db", tmp_path / "late.db"
    write_batches(early, [encode([_count("delta", minute, 1) for minute in range(1, 60)])])
    write_batches(late, [encode([_count("delta", minute, 1) for minute in range(61, 120)])])
    make_hours(late, _END - 8 * HOUR_NS)
    for target, order in ((path, (early, late)), (tmp_path / "other.db", (late, early))):
        merge(target, *order)
        assert read(target, _HOURLY) == [("delta", 118, 60, 59)]
        # Later those of the other day become one an hour, too.
        make_hours(target, _END - 8 * HOUR_NS)
        assert read(target, _HOURLY) == [("delta", 118, 2, 118)]


def test_points_that_were_pruned_come_back_with_a_backup(tmp_path: Path, path: Path) -> None:
    live = tmp_path / "live.db"
    points = [_count("delta", minute, 1) for minute in range(1, 120)]
    points += [_count("total", minute, minute, CUMULATIVE) for minute in range(1, 120)]
    write_batches(live, [encode(points)])
    expected, backup = read_metrics(live), copy(live, "backup")
    cut = (_END - 10 * HOUR_NS + 60 * 60 * 10**9) // 10**9
    assert run("prune", live, "--older-than", f"{(NOW_NS // 10**9) - cut}s")[0] == 0
    assert read(live, "SELECT count(*) FROM metric_points")[0][0] < len(points)
    assert read(live, "SELECT count(*) FROM metric_points WHERE raw_points = 0")[0][0] == 1
    for order in ((live, backup), (backup, live)):
        target = tmp_path / f"{order[0].stem} first.db"
        merge(target, *order)
        assert read_metrics(target) == expected
    merge(path, live)
    assert read_metrics(path) == read_metrics(live)


def test_series_of_two_hosts_stay_apart_and_equal_ones_are_one(tmp_path: Path, path: Path) -> None:
    hosts = [tmp_path / f"{host}.db" for host in ("one", "two", "three")]
    for file, host in zip(hosts, ("one", "two", "two"), strict=True):
        write_batches(file, [encode([_count("delta", minute, 1, host=host) for minute in range(1, 4)])])
    reports = merge(path, *hosts)
    assert [(one["new_points"], one["known_points"]) for one in reports] == [(3, 0), (3, 0), (0, 3)]
    assert read(path, "SELECT count(*), (SELECT count(*) FROM _instruments) FROM _metric_series") == [(2, 1)]


def test_ids_of_the_files_differ(tmp_path: Path, path: Path) -> None:
    """Series, instruments, resources, scopes and bounds of the source get the ids of the target."""
    source = tmp_path / "source.db"
    points = encode_points(make_points(3))
    write_points(path, [*reversed(points)][:9])
    write_points(source, points)
    merge(path, source)
    assert read_metrics(path) == read_metrics(source)


def test_no_limit_of_new_series_holds_and_none_is_counted(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_points(source, encode_points(make_points(2)))
    series = read(source, "SELECT count(*) FROM _metric_series")[0][0]
    with closing(sqlite3.connect(source)) as file, file:
        file.execute("UPDATE _new_series SET refused_points = 7")
        file.execute("UPDATE _exporter_runs SET refused = 7")
        file.execute("UPDATE _metric_series SET late_points = id, refused_points = 2")
    merge(path, source, OTEL_EXPORTER_SQLITE_METRIC_NEW_SERIES="1")
    assert read(path, "SELECT count(*) FROM _metric_series") == [(series,)]
    assert read(path, "SELECT series, refused_points FROM _new_series") == [(0, 7)]
    assert read(path, "SELECT refused FROM _exporter_runs") == [(7,)]
    assert _counters(path) == _counters(source)
    merge(path, copy(source, "copy"))
    assert read(path, "SELECT series, refused_points FROM _new_series") == [(0, 7)]
    assert _counters(path) == _counters(source)


def test_other_session_attributes_name_series_anew(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_points(source, encode_points(make_points(2)))
    merge(path, source, OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES="http.route")
    assert read(path, "SELECT DISTINCT session_id FROM metric_points ORDER BY 1") == [(None,), ("/buy",), ("/look",)]


def test_redaction_masks_series_and_exemplars(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_points(source, encode_points(make_points(2)))
    merge(path, source, OTEL_EXPORTER_SQLITE_REDACT_KEYS="raw,gen_ai.request.model")
    number = "SELECT count(*) FROM metric_points"
    assert read(path, number) == read(source, number)
    shown = repr(read_metrics(path))
    assert "gpt-4o-mini" not in shown
    assert "gpt-4o-mini" in repr(read_metrics(source))
    assert all("REDACTED" in text.upper() for (text,) in read(path, "SELECT attributes FROM exemplars"))


def test_older_files_have_no_metrics_and_get_those_of_others(tmp_path: Path, path: Path) -> None:
    older, source = tmp_path / "older.db", tmp_path / "source.db"
    unpack(14, older)
    write_points(source, encode_points(make_points(2)))
    merge(path, older, source)
    assert read_metrics(path) == read_metrics(source)
    spans = "SELECT count(*) FROM spans"
    assert read(path, spans) == read(older, spans) != [(0,)]
    target = copy(older, "target")  # is upgraded
    merge(target, source)
    assert read_metrics(target) == read_metrics(source)


@pytest.mark.slow
def test_a_merge_that_is_killed_goes_on(tmp_path: Path, path: Path) -> None:
    source, target = tmp_path / "source.db", path
    points = encode_points(make_points(2_000))
    write_points(source, points)
    expected = read_metrics(source)
    kills = 0
    for seconds in (0.5, 0.7, 0.9, 1.1, 1.3):
        process = subprocess.Popen(
            [*COMMAND, "merge", str(source), "--into", str(target)], env=clean_environment(), stdout=subprocess.DEVNULL
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    (report,) = merge(target, source)
    assert read_metrics(target) == expected
    assert report["new_points"] + report["known_points"] <= len(points)


def test_a_point_that_the_target_refuses_goes_to_its_quarantine(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_batches(source, [encode([_count("delta", minute, minute) for minute in range(1, 9)])])
    merge(path, source)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM _metric_points")
        file.execute("DELETE FROM _state WHERE name LIKE 'merged %'")
        file.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON _metric_points WHEN new.value = 3"
            " BEGIN SELECT raise(ABORT, 'no'); END"
        )
    code, output, errors = run("merge", source, "--into", path, "--json")
    (report,) = json.loads(output)["files"]
    assert (code, report["new_points"], report["refused"]) == (1, 7, 1)
    assert "1 record is damaged" in errors
    assert read(path, "SELECT count(*) FROM _quarantine") == [(1,)]
