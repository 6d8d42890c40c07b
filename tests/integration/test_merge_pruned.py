# SPDX-License-Identifier: Apache-2.0
"""A pruned file and older copies of it are merged: each call counts once, as itself or in a kept sum, in any order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.aged_spans import aged_call
from tests.commands import run
from tests.conftest import creating, read

SUMS = (
    "SELECT date, service_name, agent_name, sum(calls), sum(input_tokens), round(sum(cost_usd), 9) FROM usage"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
KEPT = "SELECT coalesce(sum(calls), 0) FROM kept_usage"
BY_USER = "SELECT user_id, sum(calls) FROM usage GROUP BY 1 ORDER BY 1"


def merge(target: Path, *sources: Path) -> None:
    assert run("merge", *sources, "--into", target)[::2] == (0, "")


def prune(path: Path, *options: str) -> None:
    assert run("prune", path, *options)[0] == 0


def copy(path: Path, name: str) -> Path:
    return Path(shutil.copyfile(path, path.with_name(f"{name}.db")))


def write_calls(paths: Sequence[Path], days: Sequence[float], service: str = "shop") -> None:
    calls = [make_call(day, number, service) for number, day in enumerate(days)]
    for path in paths:
        with creating(path) as exporter:
            assert exporter.export(calls).name == "SUCCESS"


def make_call(day: float, number: int, service: str) -> Any:
    attributes = {"user.id": f"u{number % 3}", "cost_usd": 0.25, "gen_ai.agent.name": f"a{number % 2}"}
    session = f"{service} {day} {number}"
    return aged_call("call", day, tokens=10 + number, session=session, service=service, attributes=attributes)


class PrunedFile:
    """Copies of one file at three times, each pruned once more, and a file that was never pruned."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.whole, self.live = folder / "whole.db", folder / "live.db"
        both = self.whole, self.live
        write_calls(both, [60, 50, 50, 40, 40, 40])
        self.first = copy(self.live, "first")
        write_calls(both, [30, 30, 25])
        prune(self.live, "--older-than", "45d", *options)
        self.second = copy(self.live, "second")
        write_calls(both, [5, 5])
        prune(self.live, "--older-than", "27d", *options)
        self.copies = self.first, self.second, self.live


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--keep-users",)])
def test_copies_of_a_pruned_file_give_the_same_sums_in_any_order(tmp_path: Path, options: Sequence[str]) -> None:
    pruned = PrunedFile(tmp_path, *options)
    expected = read(pruned.whole, SUMS)
    assert [read(path, KEPT) for path in pruned.copies] == [[(0,)], [(3,)], [(8,)]]
    for place, order in enumerate(permutations(pruned.copies)):
        target = tmp_path / f"target {place}.db"
        if place % 3 == 0:
            merge(target, *order)
        elif place % 3 == 1:
            for source in order:
                merge(target, source)
        else:
            shutil.copyfile(order[0], target)
            merge(target, *order[1:])
        assert (read(target, SUMS), read(target, KEPT)) == (expected, [(0,)])
        if options:
            assert read(target, BY_USER) == read(pruned.whole, BY_USER)
    merge(target, *reversed(order))
    assert read(target, SUMS) == expected


@pytest.mark.parametrize("options", [(), ("--keep-users",)])
def test_a_backup_may_be_merged_before_or_after_and_into_its_file(tmp_path: Path, options: Sequence[str]) -> None:
    write_calls([tmp_path / "backup.db"], [60, 50, 40, 5])
    backup = tmp_path / "backup.db"
    pruned = copy(backup, "pruned")
    prune(pruned, "--older-than", "20d", *options)
    expected = read(backup, SUMS)
    assert (read(pruned, SUMS), read(pruned, KEPT)) == (expected, [(3,)])
    after, before, itself = tmp_path / "after.db", tmp_path / "before.db", copy(pruned, "itself")
    merge(after, pruned, backup)
    merge(before, backup, pruned)
    merge(itself, backup)
    for target in (after, before, itself):
        assert (read(target, SUMS), read(target, KEPT)) == (expected, [(0,)])


@pytest.mark.slow
def test_a_merged_file_brings_calls_back_too(tmp_path: Path) -> None:
    pruned = PrunedFile(tmp_path)
    write_calls([tmp_path / "other.db", pruned.whole], [50, 40, 5], "mail")
    merged = tmp_path / "merged.db"
    merge(merged, tmp_path / "other.db", pruned.first)
    expected = read(pruned.whole, SUMS)
    for place, order in enumerate(permutations((merged, pruned.second, pruned.live))):
        target = tmp_path / f"target {place}.db"
        if place % 2:
            merge(target, *order)
        else:
            shutil.copyfile(order[0], target)
            merge(target, *order[1:])
        assert (read(target, SUMS), read(target, KEPT)) == (expected, [(0,)])


def test_records_come_back_from_a_backup_go_and_come_back(tmp_path: Path) -> None:
    pruned = PrunedFile(tmp_path)
    expected = read(pruned.whole, SUMS)
    for name, left in (("again", 0), ("and again", 2)):  # `second` is read only once
        merge(pruned.live, pruned.second, copy(pruned.first, name))
        assert (read(pruned.live, SUMS), read(pruned.live, KEPT)) == (expected, [(left,)])
        prune(pruned.live, "--older-than", "27d")
        assert (read(pruned.live, SUMS), read(pruned.live, KEPT)) == (expected, [(8,)])
        # What did not change is not read again, so nothing comes back.
        merge(pruned.live, pruned.second)
        assert (read(pruned.live, SUMS), read(pruned.live, KEPT)) == (expected, [(8,)])


def test_sums_that_go_though_their_calls_did_not_come_back_are_told(tmp_path: Path) -> None:
    live = tmp_path / "live.db"
    write_calls([live], [60, 50, 50])
    backup = copy(live, "backup")
    write_calls([live], [50] * 4, "late")
    prune(live, "--older-than", "20d")
    target = tmp_path / "target.db"
    for one, sources in ((target, (live, backup)), (live, (backup,))):
        code, _, errors = run("merge", *sources, "--into", one)
        assert code == 0
        assert f"{backup}: the usage of 4 pruned calls is not counted any more" in errors
        assert read(one, SUMS) == read(backup, SUMS)
        assert run("merge", *sources, "--into", one)[::2] == (0, "")
