# SPDX-License-Identifier: Apache-2.0
"""Folders of work are gone afterwards, also where a process was killed."""

from __future__ import annotations

from pathlib import Path

from otel_sqlite_exporter.storage.system.work_folders import make_work_folder


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    # A lock that cannot be opened, as that of another user: the system lists it anywhere among the others.
    (tmp_path / ".file.work-other" / "lock").mkdir(parents=True)
    for number in range(9):
        (tmp_path / f".file.work-{number}").mkdir()
        (tmp_path / f".file.work-{number}" / "lock").touch()
    with make_work_folder(str(tmp_path / "file"), ".work-") as held, make_work_folder(str(tmp_path / "file"), ".work-"):
        assert Path(held).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [".file.work-other"]
