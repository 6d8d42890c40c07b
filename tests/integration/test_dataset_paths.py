# SPDX-License-Identifier: Apache-2.0
"""Commands that take files say what a dataset is, if they get one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import ABOUT, make_dataset, open_dataset
from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.errors import FileRefusedError
from tests.commands import run

_OF_DATASETS = {"sql", "report", "export", "compact", "restore", "delete", "prune", "engine-sql"}
_TELLS = {"doctor"}
"""It prints what it finds, so also this."""
_WORDS = {"agent": "otlp"}
_OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("pin", "unpin"), ("--session", "a")),
    "note": ("--session", "a", "--text", "x"),
    "score": ("--session", "a", "--value", "1"),
    "token create": ("--send",),
}


def _list_commands() -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(cli.commands.items()):
        if isinstance(command, click.Group):
            yield from ((f"{name} {other}", one) for other, one in sorted(command.commands.items()))
        elif name not in _OF_DATASETS:
            yield name, command


@pytest.mark.parametrize(
    ("name", "command"), [*_list_commands()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_command_for_files_says_that_it_got_a_dataset(tmp_path: Path, name: str, command: click.Command) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / ABOUT).touch()
    words: list[object] = [*_OPTIONS.get(name, ())]
    for one in command.params:
        if isinstance(one, click.Argument):
            is_path = one.name in ("path", "files", "sources")
            words.append(dataset if is_path else _WORDS.get(str(one.name), "a"))
        elif one.required:
            words += [one.opts[0], tmp_path / "other"]
    code, told, errors = run(*name.split(), *words)
    assert code == (1 if name in _TELLS else 2)
    assert f"{dataset} is a dataset, and this takes a file" in (told if name in _TELLS else errors), (
        words,
        told,
        errors,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
    assert [path.name for path in dataset.iterdir()] == [ABOUT]


@pytest.mark.parametrize(("name", "other"), [("data[1]", "data1"), ("d?ta*", "data"), ("[!x]", "y")])
def test_a_path_that_is_a_pattern_of_another_dataset_is_refused(tmp_path: Path, name: str, other: str) -> None:
    """DuckDB would read the parts of the other one: `compact` would lose those of this one."""
    make_dataset(tmp_path / name / "dataset")
    (tmp_path / other / "dataset").mkdir(parents=True)
    open_dataset(tmp_path / name / "dataset")
    make_dataset(tmp_path / other / "dataset")
    with pytest.raises(FileRefusedError, match=f"pattern of files that {tmp_path / other / 'dataset'} has, too"):
        open_dataset(tmp_path / name / "dataset")
    open_dataset(tmp_path / other / "dataset")
