# SPDX-License-Identifier: Apache-2.0
"""`backup` and `vacuum`: a whole copy at any moment, and space that goes back to the disk."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.storage.transactions import transaction
from tests.commands import COMMAND, run, upgrade_to_next
from tests.conftest import (
    beside_process,
    clean_environment,
    exporting,
    make_spans,
    named,
    read,
    span_names,
)
from tests.file_checks import foreign, snapshot
from tests.integration.test_delete_command import write_meanwhile


def fill(path: Path, spans: int = 10, size: int = 10) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans(*named("span", spans), attributes={"text": os.urandom(size).hex()}))


def test_a_copy_is_whole_and_for_its_owner(path: Path) -> None:
    """Also what the write-ahead log alone holds."""
    fill(path)
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as file:
        file.execute("SELECT 1 FROM spans").fetchall()  # keeps the log
        fill(path)
        assert Path(f"{path}-wal").stat().st_size > 0
        code, output, error = run("backup", path, "--to", copy)
    assert (code, error) == (0, "")
    assert re.fullmatch(rf"copied {path} to {copy} \([\d.]+ MB\) in [\d.]+ s\n", output)
    assert span_names(copy) == span_names(path)
    assert len(span_names(copy)) == 20
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert {name for name in os.listdir(path.parent) if not name.startswith("otel.db-")} == {"copy.db", "otel.db"}


def test_what_is_there_is_replaced_by_force_alone(path: Path) -> None:
    fill(path)
    copy = path.with_name("copy.db")
    copy.write_bytes(b"mine")
    code, output, error = run("backup", path, "--to", copy)
    assert (code, output) == (2, "")
    assert error == f"Error: {copy} is there already: give another path, or --force to replace it\n"
    assert copy.read_bytes() == b"mine"
    code, output, _ = run("backup", path, "--to", copy, "--force", "--json")
    assert code == 0
    assert json.loads(output)["bytes"] == copy.stat().st_size
    assert len(span_names(copy)) == 10


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_copy_is_not_written_where_it_would_do_harm(path: Path, options: tuple[str, ...]) -> None:
    fill(path)
    (path.parent / "folder").mkdir()
    (path.parent / "link").symlink_to(path)
    (path.parent / "used.db").touch()
    (path.parent / "used.db-wal").touch()
    before = span_names(path)
    for name, words in {
        "otel.db": "is the file itself",
        "link": "is the file itself",
        "otel.db-wal": "belongs to the file itself",
        "otel.db-journal": "belongs to the file itself",
        "folder": "is no plain file",
        "none/copy.db": "there is no folder",
        "used.db": "is there already" if not options else "is in use",
    }.items():
        code, output, error = run("backup", path, "--to", path.parent / name, *options)
        assert (code, output) == (2, "")
        assert words in error
    assert span_names(path) == before


def test_other_files_are_refused_and_newer_ones_are_copied(path: Path, tmp_path: Path) -> None:
    fill(path)
    other, missing = tmp_path / "other.db", tmp_path / "missing.db"
    foreign(other)
    for file in (other, missing):
        assert run("backup", file, "--to", tmp_path / "copy.db")[0] == 2
        assert not (tmp_path / "copy.db").exists()
    upgrade_to_next(path)
    assert run("backup", path, "--to", tmp_path / "copy.db")[0] == 0


def test_the_spool_is_not_in_the_copy_and_is_counted(path: Path) -> None:
    fill(path)
    with (
        exporting(path, busy_timeout_ms=0) as exporter,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        transaction(other),
    ):
        exporter.export(make_spans("one", "two"))
        exporter.export(make_spans("three"))
        code, output, _ = run("backup", path, "--to", path.with_name("copy.db"))
        assert (code, output.splitlines()[1]) == (0, f"3 records in {path}-spool are not in it yet")
        Path(f"{path}-spool").write_bytes(b"not a spool, but something else that is long enough")
        code, output, _ = run("backup", path, "--to", path.with_name("other.db"))
        assert (code, output.splitlines()[1][-53:]) == (
            0,
            "-spool cannot be read: what waits in it is not in the copy"[-53:],
        )
        os.unlink(f"{path}-spool")


def test_others_write_while_it_copies(path: Path) -> None:
    fill(path, spans=50, size=20_000)
    with beside_process(write_meanwhile, path):
        copies = []
        for number in range(3):
            copy = path.with_name(f"copy-{number}.db")
            assert run("backup", path, "--to", copy)[0] == 0
            copies.append(set(span_names(copy)))
    assert copies[0] <= copies[1] <= copies[2] <= set(span_names(path))
    assert not Path(f"{path}-spool").exists()


def test_a_copy_that_is_killed_leaves_no_copy(path: Path) -> None:
    fill(path, spans=50, size=40_000)
    copy = path.with_name("copy.db")
    process = subprocess.Popen([*COMMAND, "backup", path, "--to", copy], env=clean_environment())
    while process.poll() is None and not [name for name in os.listdir(path.parent) if name.endswith(".part")]:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not copy.exists() or len(span_names(copy)) == 50
    assert run("backup", path, "--to", copy, "--force")[0] == 0
    assert len(span_names(copy)) == 50


def test_a_damaged_file_is_not_copied(path: Path) -> None:
    fill(path, spans=200, size=2_000)
    with path.open("r+b") as file:
        file.seek(60 * 16384)
        file.write(b"\xa5" * 16384 * 3)
    code, _, error = run("backup", path, "--to", path.with_name("copy.db"))
    assert code == 2
    assert "is damaged" in error
    assert os.listdir(path.parent) == ["otel.db"]


def make_room(path: Path) -> None:
    """Free most of a file."""
    fill(path, spans=200, size=10_000)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("CREATE TABLE mine (x)")
        file.execute("INSERT INTO mine SELECT randomblob(2000000)")
        file.execute("DROP TABLE mine")


@pytest.mark.parametrize("options", [(), ("--full",)])
def test_free_space_goes_back_to_the_disk(path: Path, options: tuple[str, ...]) -> None:
    make_room(path)
    before = path.stat().st_size
    spans = span_names(path)
    unchanged = snapshot(path)
    code, output, _ = run("vacuum", path, "--dry-run", *options)
    assert code == 0
    assert re.fullmatch(rf"{path} has [\d.]+ MB, of which [\d.]+ MB are free\n", output)
    assert snapshot(path) == unchanged
    code, output, _ = run("vacuum", path, *options)
    assert code == 0
    assert output.splitlines()[1].startswith("rewritten" if options else "shortened")
    assert path.stat().st_size < before - 1_500_000
    assert span_names(path) == spans
    code, output, _ = run("vacuum", path, "--dry-run", "--json")
    assert json.loads(output)["before"] == {"file_bytes": path.stat().st_size, "log_bytes": 0, "free_bytes": 0}


def test_vacuum_goes_on_beside_a_writer(path: Path) -> None:
    make_room(path)
    before = path.stat().st_size
    with beside_process(write_meanwhile, path):
        code, output, error = run("vacuum", path, "--json")
    assert error == ""
    done = json.loads(output)
    assert code == (0 if done["is_log_empty"] else 1)
    assert done["after"]["free_bytes"] < done["before"]["free_bytes"]
    assert not Path(f"{path}-spool").exists()
    assert run("vacuum", path)[0] == 0
    assert path.stat().st_size < before


def test_a_reader_keeps_the_log_and_is_named(path: Path) -> None:
    make_room(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM spans").fetchall()
        code, output, _ = run("vacuum", path, OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="50")
        assert (code, output.splitlines()[-1]) == (
            1,
            f"{path}-wal could not be emptied: end what reads or writes the file, then run it again",
        )
    assert run("vacuum", path)[0] == 0


def test_a_file_without_incremental_vacuum_is_rewritten(path: Path) -> None:
    make_room(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = DELETE")
        file.execute("PRAGMA auto_vacuum = NONE")
        file.execute("VACUUM")
        file.execute("CREATE TABLE mine (x)")
        file.execute("INSERT INTO mine SELECT randomblob(2000000)")
        file.execute("DROP TABLE mine")
    assert "rewritten" in run("vacuum", path)[1]
    assert read(path, "PRAGMA auto_vacuum") == [(2,)]


def test_too_little_room_is_said_before_anything_is_written(small_disk: Path) -> None:
    path = small_disk / "otel.db"
    fill(path, spans=200, size=4_000)
    before = snapshot(path)
    code, _, error = run("vacuum", path, "--full")
    assert code == 2
    assert re.search(r"rewriting .* needs [\d.]+ MB, and its disk has [\d.]+ [kM]B: make room", error)
    code, _, error = run("backup", path, "--to", small_disk / "copy.db")
    assert code == 2
    assert re.search(r"the copy needs [\d.]+ MB, and .* has [\d.]+ [kM]B: make room", error)
    assert snapshot(path) == before
