# SPDX-License-Identifier: Apache-2.0
"""The core without what only POSIX or Linux has: `fork`, /proc, `fcntl`, `pread`, and the flags of `open`.

A program hides these and then uses the package, as far as another system can be told here. `msvcrt`, the file locks of
Windows, is stood in for by locks of ranges of bytes. Real Windows and macOS: .github/workflows/tests.yml.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.storage.system import process as processes
from otel_sqlite_exporter.storage.system.process import identify_process, is_alive
from tests.conftest import clean_environment, exporting, make_spans, read, span_names

HIDING = """
import builtins, errno, io, os, subprocess, sys, types
import fcntl as _fcntl
import opentelemetry.sdk.trace, opentelemetry.sdk._logs.export, click.testing, sqlite3
import pathlib, shutil, tempfile, zoneinfo

ABSENT = (
    "fork forkpty register_at_fork pread pwrite fchmod fchown geteuid getuid getegid getgid sync fdatasync"
    " O_CLOEXEC O_NOFOLLOW O_DIRECTORY O_NONBLOCK O_NOCTTY uname mkfifo chown"
)
for name in ABSENT.split():
    delattr(os, name)
for name in "SIGHUP SIGKILL SIGUSR1 SIGALRM pthread_sigmask siginterrupt".split():
    delattr(__import__("signal"), name)

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules.pop(name, None)

def hide_proc(function):
    def call(path, *arguments, **keywords):
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith("/proc"):
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return function(path, *arguments, **keywords)
    return call

for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "readlink"), (os, "stat")):
    setattr(module, name, hide_proc(getattr(module, name)))
_kill = os.kill
def kill(pid, number):
    raise AssertionError("on Windows this ends the process")
os.kill = kill

# On Windows no folder is opened, and no file is removed while it is open.
_open, _unlink, _close = os.open, os.unlink, os.close
opened = {}
def open_(path, *arguments, **keywords):
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    descriptor = _open(path, *arguments, **keywords)
    opened[descriptor] = str(path)
    return descriptor
def close(descriptor):
    opened.pop(descriptor, None)
    _close(descriptor)
def unlink(path, **keywords):
    if str(path) in opened.values():
        raise PermissionError(errno.EACCES, "The file is in use", path)
    _unlink(path, **keywords)
os.open, os.close, os.unlink, os.remove = open_, close, unlink, unlink

msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK, msvcrt.LK_UNLCK = 2, 0
def locking(descriptor, mode, length):
    start = os.lseek(descriptor, 0, os.SEEK_CUR)
    assert start == 0x7FFF_FFFE  # a locked byte cannot be read
    how = _fcntl.LOCK_UN if mode == msvcrt.LK_UNLCK else _fcntl.LOCK_EX | _fcntl.LOCK_NB
    try:
        _fcntl.lockf(descriptor, how, length, start)
    except BlockingIOError as error:
        raise PermissionError(errno.EACCES, "Permission denied") from error
msvcrt.locking = locking
sys.modules["msvcrt"] = msvcrt
sys.platform = "win32"
"""
CORE = """
import logging, threading
from contextlib import closing
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
import otel_sqlite_exporter
from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor, TelemetryDatabase
from otel_sqlite_exporter.cli.commands import cli

path, other = sys.argv[1:]
def run(*arguments, code=0):
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert result.exit_code == code, (arguments, result.output, result.exception)
    return result.output

otel_sqlite_exporter.flush_on_sigterm()
processor = SQLiteSpanProcessor(path, open_delay_ms=0, busy_timeout_ms=0)
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(processor)
tracer = provider.get_tracer("tests")
tracer.start_span("first").end()
assert processor.force_flush()
logging.disable()
with closing(sqlite3.connect(path, isolation_level=None)) as lock:
    lock.execute("BEGIN IMMEDIATE")
    for name in ("second", "third"):
        tracer.start_span(name).end()
        assert processor.force_flush()
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
assert Spool(spool_path(path), limit_bytes=0).count()[0] == 2
assert "2 batches wait" in run("doctor", path, code=1)
run("recover", path)
assert Spool(spool_path(path), limit_bytes=0).is_empty()
running = tracer.start_span("still runs")
while not TelemetryDatabase(path).find_spans(status="running"):
    pass
assert sorted(span.name for span in TelemetryDatabase(path).find_spans()) == ["first", "second", "still runs", "third"]
running.end()
provider.shutdown()
for command in ("info", "traces", "sessions", "doctor", "migrate", "reindex"):
    run(command, path)
assert "others may read" not in run("doctor", path)
run("doctor", "--repair", path)
run("export", path, "--output", other + ".jsonl")
run("import", other + ".jsonl", "--into", other)
os.kill = _kill
"""


def run_hidden(program: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{HIDING}\n{program}", *map(str, arguments)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_core_works_without_what_only_posix_or_linux_has(tmp_path: Path) -> None:
    path, other = tmp_path / "otel.db", tmp_path / "other.db"
    run_hidden(CORE, path, other)
    assert span_names(path) == span_names(other) == ["first", "second", "still runs", "third"]
    assert read(path, "SELECT DISTINCT status FROM spans") == [("ok",)]


def test_a_spool_that_another_program_locks_is_waited_for(tmp_path: Path) -> None:
    program = """
from otel_sqlite_exporter.deliver.spool import Spool
from otel_sqlite_exporter.errors import SpoolError
spool = Spool(sys.argv[1], limit_bytes=1000)
spool.append([b"one"], b"1" * 16, timeout_s=0)
holder = (
    "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX, 1, 0x7FFF_FFFE);"
    "print('held', flush=True); sys.stdin.read()"
)
sys.platform = "linux"  # for subprocess
process = subprocess.Popen([sys.executable, "-c", holder, sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert process.stdout.readline() == b"held\\n"
try:
    spool.append([b"two"], b"2" * 16, timeout_s=0)
except SpoolError as error:
    assert "locked by another process" in str(error)
else:
    raise AssertionError("it is locked")
process.communicate()
spool.append([b"two"], b"2" * 16, timeout_s=0)
assert spool.count() == (2, 6)
"""
    run_hidden(program, tmp_path / "otel.db-spool")


NAME = "Grüße 한국 😀"


def print_in(encoding: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "otel_sqlite_exporter", *map(str, arguments)],
        env=clean_environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode(encoding)


def test_every_output_can_be_printed_on_a_console_of_another_encoding(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans(NAME, attributes={"session.id": "한국"}))
    ((trace_id,),) = read(path, "SELECT trace_id FROM spans")
    for encoding in ("cp1252", "cp437"):
        for command in ("trace", "traces", "info", "sessions"):
            ids = [trace_id] if command == "trace" else []
            printed = print_in(encoding, command, *ids, path)
            assert "\\ud55c\\uad6d" in printed
            assert "\\u25" not in printed  # bars have another form
        (trace,) = json.loads(print_in(encoding, "traces", "--json", path))["traces"]
        assert trace["name"] == NAME


def other(**fields: Any) -> bool | None:
    return is_alive(identify_process()._replace(**fields))


def test_a_process_that_cannot_be_seen_is_never_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (other(), other(process_start=1), other(boot_id="another boot")) == (True, False, False)
    assert (other(host="elsewhere"), other(pid_namespace="pid:[1]"), other(boot_id=None)) == (None, None, None)
    assert socket.gethostname() == identify_process().host

    def unreadable(pid: int) -> int | None:
        raise FileNotFoundError

    # Of another user, with /proc mounted with hidepid.
    monkeypatch.setattr(processes, "_read_start", unreadable)
    assert other(process_start=1) is None
    # On macOS: the id is in use, by that process or by another.
    assert other(process_start=None) is None
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert (other(pid=gone.pid, process_start=None), other(pid=gone.pid, process_start=1)) == (False, False)
    # In a process that does not see /proc, of one that did.
    monkeypatch.setattr(processes, "_read_boot_id", lambda: None)
    assert other(boot_id="a boot") is None
