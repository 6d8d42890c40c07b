# SPDX-License-Identifier: Apache-2.0
"""`delete` and `prune` leave in a dataset what they leave in a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from otel_sqlite_exporter.archive.compaction.compactor import compact
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder, open_dataset
from tests.commands import run
from tests.dataset_files import make_rich_file
from tests.dataset_records import archive_all, read_parts

_TWIN = f"{0x3B00:032x}"


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind, with a dataset beside it whose parts are put together."""
    path = make_rich_file(tmp_path_factory.mktemp("rich") / "rich.db")
    dataset, _ = archive_all(path, path.with_name("dataset"))
    compact(dataset, lambda done, of, what: None)
    return path


def _copy(rich: Path, folder: Path) -> DatasetFolder:
    shutil.copytree(rich.with_name("dataset"), folder / "dataset")
    return open_dataset(folder / "dataset")


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
    assert {name: told["removed"][name] for name in ("spans", "logs", "points")} == {
        name: planned[name] for name in ("spans", "logs", "points")
    }
    _check_equal(rich, dataset, tmp_path, "delete", *options, "--yes")
