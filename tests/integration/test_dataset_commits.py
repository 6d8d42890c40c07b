# SPDX-License-Identifier: Apache-2.0
"""Which manifests of a dataset hold, wherever a run that commits is killed; and who may write a dataset at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")

from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import EMPTY_PART
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import MARKS
from otel_sqlite_exporter.archive.dataset_format.manifests import (
    HOLDS,
    Manifest,
    commit_manifest,
    commit_manifests,
    read_manifests,
    sweep_replaced,
)
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch, write_part
from otel_sqlite_exporter.errors import DamagedFileError, FileRefusedError

_DAYS = ("2026-01-30", "2026-01-31")
_HOLD = """
import sys
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import open_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset
with lock_dataset(open_dataset(sys.argv[1]), alone=sys.argv[2] == "alone"):
    print("held", flush=True)
    sys.stdin.read()
"""


def _make(dataset: DatasetFolder, source: str, date: str, generation: int, replaces: tuple[str, ...] = ()) -> Manifest:
    path = dataset.name_part("marks", date, source, generation)
    mark = {"kind": "pin", "session_id": source, "is_set": 1, "time_unix_nano": generation}
    part = write_part(dataset, path, MARKS, date, [make_batch(MARKS, [[mark.get(name) for name in MARKS.columns]])])
    assert part is not None
    return Manifest(source, date, generation, (part,), replaces)


def _names(dataset: DatasetFolder) -> list[str]:
    return [manifest.name for manifest in read_manifests(dataset)]


def _check_files(dataset: DatasetFolder) -> None:
    """Nothing is there but what holds."""
    parts = {part.path for manifest in read_manifests(dataset) for part in manifest.parts}
    found = {str(path.relative_to(dataset.path)) for path in Path(dataset.path, "marks").rglob("part-*")}
    assert {path for path in found if not path.endswith(EMPTY_PART)} == parts
    whole = [name for name in os.listdir(dataset.join("_manifests")) if not name.startswith(".")]
    assert sorted(whole) == sorted(_names(dataset))


class _KilledError(BaseException):
    pass


def _count_steps(monkeypatch: pytest.MonkeyPatch, last: int | None = None) -> list[str]:
    """Note each change of a folder that follows, and end the run after `last` of them."""
    steps: list[str] = []

    def follow(name: str) -> None:
        change = getattr(os, name)

        def changed(*paths: str) -> None:
            if len(steps) == last:
                raise _KilledError
            change(*paths)
            steps.append(name)

        monkeypatch.setattr(os, name, changed)

    follow("replace")
    follow("unlink")
    return steps


def test_the_manifests_of_several_days_hold_from_one_moment(tmp_path: Path) -> None:
    outcomes = set()
    for last in range(100):
        dataset = make_dataset(tmp_path / str(last))
        old = [_make(dataset, source, date, 0) for date in _DAYS for source in "ab"]
        for one in old:
            commit_manifest(dataset, one)
        before = _names(dataset)
        new = [_make(dataset, "merged", date, 0, (f"a-{date}-0.json", f"b-{date}-0.json")) for date in _DAYS]
        with pytest.MonkeyPatch.context() as monkeypatch:
            _count_steps(monkeypatch, last)
            try:
                commit_manifests(dataset, new)
                ended = True
            except _KilledError:
                ended = False
        outcome = _names(dataset)
        assert outcome in (before, [one.name for one in new])
        outcomes.add(outcome == before)
        for manifest in read_manifests(dataset):
            assert all(Path(dataset.join(part.path)).exists() for part in manifest.parts)
        sweep_replaced(dataset)
        assert _names(dataset) == outcome
        if outcome != before:
            _check_files(dataset)
        if ended:
            break
    assert ended
    assert outcomes == {True, False}


def test_what_a_killed_run_left_does_not_hold_again(tmp_path: Path) -> None:
    """Of three generations, the first is still there when the third replaces the second."""
    dataset = make_dataset(tmp_path / "dataset")
    commit_manifest(dataset, _make(dataset, "a", _DAYS[0], 0))
    for date in _DAYS:
        commit_manifest(dataset, _make(dataset, "b", date, 0))
    new = [_make(dataset, "b", date, 1, (f"b-{date}-0.json",)) for date in _DAYS]
    with pytest.MonkeyPatch.context() as monkeypatch:
        _count_steps(monkeypatch, 1)
        with pytest.raises(_KilledError):
            commit_manifests(dataset, new)
    assert _names(dataset) == [f"a-{_DAYS[0]}-0.json", f"b-{_DAYS[0]}-1.json", f"b-{_DAYS[1]}-1.json"]
    commit_manifest(dataset, _make(dataset, "b", _DAYS[0], 2, (f"b-{_DAYS[0]}-1.json",)))
    commit_manifest(dataset, _make(dataset, "b", _DAYS[0], 3, (f"b-{_DAYS[0]}-2.json",)))
    holding = [f"a-{_DAYS[0]}-0.json", f"b-{_DAYS[0]}-3.json", f"b-{_DAYS[1]}-1.json"]
    assert _names(dataset) == holding
    sweep_replaced(dataset)
    assert _names(dataset) == holding
    _check_files(dataset)


@pytest.mark.parametrize("held", ["alone", "shared"])
def test_one_run_alone_or_several_that_only_add(tmp_path: Path, held: str) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    command = [sys.executable, "-c", _HOLD, dataset.path, held]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for alone in (True, False):
            refused = pytest.raises(FileRefusedError, match="run this again when it has ended")
            with refused if alone or held == "alone" else nullcontext(), lock_dataset(dataset, alone=alone):
                pass
        other.kill()
    with lock_dataset(dataset, alone=True):
        pass


def test_what_was_put_together_does_not_hold_again_where_a_copy_brings_it_back(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    host = _make(dataset, "host", _DAYS[0], 0)
    commit_manifest(dataset, host)
    for generation, replaced in enumerate((host.name, f"merged-{_DAYS[0]}-0.json")):
        merged = replace(_make(dataset, "merged", _DAYS[0], generation, (replaced,)), facts={HOLDS: [host.name]})
        commit_manifest(dataset, merged)
    _make(dataset, "host", _DAYS[0], 0)
    Path(dataset.join("_manifests", host.name)).write_text(json.dumps(asdict(host)))
    assert _names(dataset) == [merged.name]
    sweep_replaced(dataset)
    _check_files(dataset)


@pytest.mark.parametrize(
    "change",
    [
        {"parts": {"path": "../../outside"}},
        {"parts": {"path": "marks/date=2026-01-30/../../../outside"}},
        {"parts": {"path": "/etc/passwd"}},
        {"parts": {"path": "marks/date=2026-01-31/part-a-0.parquet"}},
        {"parts": {"path": "otel-dataset.json"}},
        {"parts": {"table": "nothing"}},
        {"parts": {"rows": "1), (2"}},
        {"parts": {"path": 5}},
        {"replaces": ("../otel-dataset.json",)},
        {"replaces": (1,)},
        {"facts": {HOLDS: ["../otel-dataset.json"]}},
        {"facts": []},
        {"date": "../../2026-01-31"},
        {"source": ".."},
        {"generation": "0/.."},
    ],
)
def test_a_manifest_names_nothing_but_parts_and_manifests_of_its_dataset(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    fields = asdict(_make(dataset, "a", _DAYS[0], 0))
    part = fields["parts"][0] | change.get("parts", {})
    Path(dataset.join("_manifests")).mkdir()
    Path(dataset.join("_manifests", "a.json")).write_text(json.dumps(fields | change | {"parts": [part]}))
    for use in (read_manifests, sweep_replaced):
        with pytest.raises(DamagedFileError, match="copy it from a backup"):
            use(dataset)
