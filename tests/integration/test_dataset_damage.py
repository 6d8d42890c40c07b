# SPDX-License-Identifier: Apache-2.0
"""Commands on a dataset with a damaged part say so in one sentence, and remove nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("duckdb")

from tests.aged_spans import DAY_NS, NOW_NS, aged_call
from tests.archived import archive, list_files
from tests.commands import run
from tests.conftest import exporting


def _flip(part: Path) -> None:
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)


def _replace_by_folder(part: Path) -> None:
    part.unlink()
    part.mkdir()


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda part: part.write_bytes(b""),
    "cut": lambda part: part.write_bytes(part.read_bytes()[:-9]),
    "gone": lambda part: part.unlink(),
    "folder": _replace_by_folder,
    "no UTF-8": lambda part: part.write_bytes(part.read_bytes().replace(b"session_id", b"session_i\xff")),
}
_COMMANDS = {
    "sql": ("sql", "SELECT count(*) FROM {table}"),
    "report": ("report", "growth"),
    "compact": ("compact",),
    "delete": ("delete", "--session", "a", "--yes"),
    "delete --dry-run": ("delete", "--session", "a", "--dry-run"),
    "prune": ("prune", "--older-than", "1d"),
    "prune --dry-run": ("prune", "--older-than", "1d", "--dry-run"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that two files have written one day to."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("one", "two"):
        path = folder / f"{name}.db"
        with exporting(path) as exporter:
            exporter.export([aged_call(name, 9.5, tokens=1, session="a")])
        archive(path, folder / "dataset", until=NOW_NS // DAY_NS - 5)
    return folder / "dataset"


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, whose name is a pattern of files too."""
    shutil.copytree(whole, tmp_path / "a [f]older? *")
    return tmp_path / "a [f]older? *"


def _find_part(dataset: Path, table: str) -> Path:
    return min(one for one in (dataset / table).rglob("*.parquet") if "empty" not in one.name)


@pytest.mark.parametrize(
    ("table", "damage"),
    [("spans", "gone"), ("spans", "empty"), ("traces", "cut"), ("traces", "folder"), ("spans", "no UTF-8")],
)
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_damaged_part_is_told_in_one_sentence(dataset: Path, table: str, damage: str, command: str) -> None:
    _DAMAGE[damage](_find_part(dataset, table))
    before = list_files(dataset)
    code, _, said = run(*(word.format(table=table) for word in _COMMANDS[command]), dataset)
    assert (code, said.count("\n")) == (2, 1), said
    assert "copy it from a backup" in said or "copy the part from a backup" in said
    assert "LINE 1" not in said
    assert list_files(dataset) == before


def test_a_deletion_that_nobody_can_confirm_is_refused_before_parts_are_read(dataset: Path) -> None:
    _find_part(dataset, "spans").unlink()
    code, _, said = run("delete", "--session", "a", dataset)
    assert (code, "nobody can be asked here, so give --yes" in said) == (2, True), said


@pytest.mark.parametrize("command", [("sql", "SELECT * FROM spans"), ("report", "slowest")], ids=lambda words: words[0])
@pytest.mark.parametrize("damage", ["flipped", "longer"])
def test_a_part_that_fails_while_it_is_read_is_named(dataset: Path, command: tuple[str, ...], damage: str) -> None:
    part = max(one for one in (dataset / "spans").rglob("*.parquet") if "empty" not in one.name)
    content = part.read_bytes()
    middle = bytes(byte ^ 0xFF for byte in content[4:-200])
    part.write_bytes(content[:4] + middle + content[-200:] if damage == "flipped" else content + b"more")
    code, _, said = run(*command, dataset)
    assert (code, said.count("\n")) == (2, 1), said
    assert f"{part}: the part" in said
    assert said.endswith(": copy it from a backup\n")


def test_parts_of_which_a_byte_changed_are_not_put_together(dataset: Path) -> None:
    _flip(_find_part(dataset, "spans"))
    before = [Path(dataset, name).read_bytes() for name in list_files(dataset) if "_manifests" in name]
    code, _, said = run("compact", dataset)
    assert (code, said.count("\n")) == (2, 1), said
    assert [Path(dataset, name).read_bytes() for name in list_files(dataset) if "_manifests" in name] == before


def test_a_part_of_which_a_byte_changed_gives_no_records(dataset: Path, tmp_path: Path) -> None:
    part = _find_part(dataset, "spans")
    part.write_bytes(part.read_bytes().replace(b"otel_package", b"otel_package"[::-1]))
    code, _, said = run("restore", dataset, "--session", "a", "--into", tmp_path / "restored.db")
    assert (code, "is not what its manifest says" in said) == (2, True), said
    assert not (tmp_path / "restored.db").exists()
