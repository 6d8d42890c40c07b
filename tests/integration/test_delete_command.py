# SPDX-License-Identifier: Apache-2.0
"""The command `delete`: what it asks, refuses and survives, beside writers, readers, kills and a full disk."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.transactions import transaction
from tests.commands import COMMAND, NEXT, become_next, run, run_process, upgrade_to_next
from tests.conftest import HANG_S, beside_process, clean_environment, exporting, make_spans, read, span_names
from tests.file_checks import check_file, snapshot
from tests.frozen_files.frozen_file import unpack
from tests.legacy_files import write_typical


def fill(path: Path, sessions: int = 3, spans: int = 4, **attributes: Any) -> None:
    """Sessions of calls."""
    with exporting(path) as exporter:
        for session in range(sessions):
            chat = {"session.id": f"session-{session}", "gen_ai.operation.name": "chat", "user.id": f"user-{session}"}
            names = [f"chat {session} {number}" for number in range(spans)]
            exporter.export(make_spans(*names, attributes=chat | attributes))


def sessions(path: Path) -> list[tuple[str, int]]:
    return read(path, "SELECT session_id, spans FROM sessions ORDER BY session_id")


def check_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        assert file.execute("SELECT count(*) FROM _deletion_records").fetchone() == (0,)
        assert file.execute("SELECT count(*) FROM _deletion_names").fetchone() == (0,)


def test_nothing_is_deleted_unless_something_is_chosen(path: Path) -> None:
    fill(path)
    before = snapshot(path)
    for options in ((), ("--yes",), ("--dry-run",), ("--backups", "--yes"), ("--session", "", "--yes")):
        code, output, error = run("delete", path, *options)
        assert (code, output) == (2, "")
        assert error.startswith("Error: nothing was deleted")
    code, _, error = run("delete", path, "--since", "2026-01-02", "--until", "2026-01-02", "--yes")
    assert (code, error) == (2, "Error: nothing was deleted: --until is not after --since\n")
    assert run("delete", path, "--since", "nonsense", "--yes")[2].startswith("Error: --since: 'nonsense' is not a time")
    assert snapshot(path) == before


def test_it_asks_and_does_nothing_in_a_pipe_without_yes(path: Path) -> None:
    fill(path)
    code, output, error = run("delete", path, "--session", "session-1")
    assert (code, output) == (2, "")
    assert error == "Error: nothing was deleted: nobody can be asked here, so give --yes\n"
    assert len(sessions(path)) == 3


@pytest.mark.parametrize(("answers", "left"), [("n\n", 3), ("y\nn\n", 2), ("y\ny\n", 2)])
def test_it_asks_on_a_terminal(path: Path, answers: str, left: int) -> None:
    fill(path)
    assert run("backup", path, "--to", f"{path}.bak")[0] == 0
    with closing(sqlite3.connect(path)) as file, file:
        pin = "INSERT INTO _marks (kind, session_id, trace_id, is_set, text, time_unix_nano) VALUES (0, ?, '', 1, ?, 1)"
        file.execute(pin, ("session-1", "look \x1b[31m"))
        file.execute(pin, ("session-2", "other"))
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "delete", path, "--session", "session-1"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    os.write(ours, answers.encode())
    output, error = process.communicate(timeout=HANG_S)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == (2 if left == 3 else 0)
    assert len(sessions(path)) == left
    assert "of which" not in output
    assert "1 session; 4 traces\n  4 spans" in error
    assert "pinned: session session-1 (look \\x1b[31m)" in error
    assert "other" not in error
    assert f"{path}.bak (" in error
    assert Path(f"{path}.bak").exists() is (answers != "y\ny\n")
    assert read(path, "SELECT session_id FROM _marks") == [("session-1",), ("session-2",)][3 - left :]


def test_a_dry_run_says_what_would_go_and_changes_nothing(path: Path) -> None:
    fill(path)
    before = snapshot(path)
    code, output, _ = run("delete", path, "--user", "user-1", "--dry-run", "--json")
    found = json.loads(output)
    assert code == 0
    assert {name: found[name] for name in ("sessions", "traces", "spans", "calls", "logs", "running")} == {
        **{"sessions": 1, "traces": 4, "spans": 4, "calls": 4, "logs": 0, "running": 0}
    }
    assert 0 < found["bytes"] < path.stat().st_size
    assert snapshot(path) == before


def test_what_runs_goes_too_and_is_named(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("done", attributes={"session.id": "s"}))
        from opentelemetry.sdk.trace import TracerProvider

        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
        exporter.export_open([tracer.start_span("runs", attributes={"session.id": "s"})])  # type: ignore[list-item]
        assert json.loads(run("delete", path, "--session", "s", "--dry-run", "--json")[1])["running"] == 1
        assert run("delete", path, "--session", "s", "--yes")[0] == 0
    assert span_names(path) == []
    assert read(path, "SELECT count(*) FROM _open_spans") == [(0,)]


def test_a_filter_chooses_traces(path: Path) -> None:
    fill(path)
    code, _, error = run("delete", path, "--where", "session:session-1 status:ok", "--yes")
    assert (code, error) == (0, "")
    assert [name for name, _ in sessions(path)] == ["session-0", "session-2"]
    code, _, error = run("delete", path, "--where", "name:(", "--yes")
    assert code == 2
    assert error.startswith("Error: --where: ")


def test_selectors_of_one_kind_add_and_of_several_narrow(path: Path) -> None:
    fill(path)
    assert run("delete", path, "--session", "session-0", "--session", "session-1", "--user", "user-1", "--yes")[0] == 0
    assert [name for name, _ in sessions(path)] == ["session-0", "session-2"]


def test_marks_kept_sums_and_quarantine_of_a_user_go(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as file, file:
        named = [name for _, name, kind, not_null, *_ in file.execute("PRAGMA table_info(_kept_usage)") if not_null]
        row = f"INSERT INTO _kept_usage ({', '.join(named)}, user_id) VALUES ({', '.join('?' * len(named))}, ?)"
        for user in ("user-1", "user-2", None):
            file.execute(row, (*["7"] * len(named), user))
        for number, name in enumerate(("user-1", "user-12", "'user-1'", "see user-1", 7)):
            content = json.dumps({"attributes": {"user.id": name}})
            row = "INSERT INTO _quarantine (digest, arrival_time_unix_nano, reason, content) VALUES (?, 1, 'x', ?)"
            file.execute(row, (str(number), content))
        for session in ("session-0", "session-1"):
            columns = "kind, session_id, trace_id, is_set, text, time_unix_nano"
            file.execute(f"INSERT INTO _marks ({columns}) VALUES (1, ?, '', 1, '', 1)", (session,))
    code, output, _ = run("delete", path, "--user", "user-1", "--yes", "--json")
    assert (code, json.loads(output)["removed"]["others"]) == (0, 4)
    assert read(path, "SELECT user_id FROM _kept_usage ORDER BY user_id") == [(None,), ("user-2",)]
    assert read(path, "SELECT digest FROM _quarantine ORDER BY digest") == [("1",), ("3",), ("4",)]
    assert read(path, "SELECT session_id FROM _marks") == [("session-0",)]
    assert read(path, "SELECT others, is_complete, rule FROM _deletions") == [(4, 1, '{"users": 1}')]


def test_quarantine_of_a_range_of_time_goes_by_its_arrival(path: Path) -> None:
    fill(path, sessions=1)
    with closing(sqlite3.connect(path)) as file, file:
        for day in (1, 20_000):
            row = "INSERT INTO _quarantine (digest, arrival_time_unix_nano, reason, content) VALUES (?, ?, 'x', '{}')"
            file.execute(row, (str(day), day * 86_400 * 10**9))
    assert run("delete", path, "--until", "1970-01-03", "--yes")[0] == 0
    assert read(path, "SELECT digest FROM _quarantine") == [("20000",)]
    assert len(sessions(path)) == 1


def test_counters_of_a_service_go(path: Path) -> None:
    fill(path, sessions=1)
    with closing(sqlite3.connect(path)) as file, file:
        for service in ("gone", "stays"):
            row = "INSERT INTO _receiver_sources VALUES (NULL, 'me', ?, 'traces', 1, 1, 0, '{}', 0, 9, 1)"
            file.execute(row, (service,))
    assert run("delete", path, "--service", "gone", "--yes")[0] == 0
    assert read(path, "SELECT service_name FROM receiver_sources") == [("stays",)]


def test_newer_legacy_and_foreign_files_are_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path, sessions=1)
    upgrade_to_next(path)
    old, missing = tmp_path / "old.db", tmp_path / "missing.db"
    write_typical(old)
    refusals = {path: "upgrade with `pip install -U", old: "migrate", missing: "does not exist"}
    before = snapshot(path)
    for file, words in refusals.items():
        code, output, error = run("delete", file, "--session", "session-0", "--yes")
        assert (code, output) == (2, "")
        assert words in error
    assert snapshot(path) == before
    assert not missing.exists()


def test_a_file_that_stays_locked_says_how_to_go_on(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, transaction(other):
        code, _, error = run(
            *("delete", path, "--session", "session-1", "--yes"), OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="20"
        )
    assert code == 2
    assert "database is locked" in error
    assert len(sessions(path)) == 3


def _kill_after(path: Path, seconds: float) -> bool:
    """Kill a deletion after so long; return whether it was still running."""
    options = ("delete", str(path), "--user", "user-0", "--yes", "--verify", "private words")
    process = subprocess.Popen([*COMMAND, *options], env=clean_environment(), stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.slow
def test_a_deletion_that_is_killed_is_completed_by_the_next(path: Path) -> None:
    """At any moment: what is half gone belongs to no user any more, and goes all the same."""
    with exporting(path) as exporter:
        for number in range(40):
            # One trace tells the user of the session, the others only the session.
            user = {"user.id": "user-0"} if number == 0 else {}
            attributes = {"session.id": "session-0", "gen_ai.operation.name": "chat", "text": "private words"} | user
            exporter.export(make_spans(*[f"gone {number} {one}" for one in range(10)], attributes=attributes))
    fill(path, sessions=2, spans=5)
    assert run("index", path)[0] == 0
    chance, killed = random.Random(7), 0
    with closing(sqlite3.connect(path)) as file:
        shared = file.execute("SELECT count(*) FROM sessions").fetchone()
    assert shared == (2,)
    while _kill_after(path, 0.4 + chance.random()):
        killed += 1
        with closing(sqlite3.connect(path)) as file:
            check_file(file)
        if killed == 3:
            assert not _kill_after(path, HANG_S)
            break
    assert [name for name, _ in sessions(path)] == ["session-1"]
    check_sound(path)
    assert b"private words" not in path.read_bytes()
    code, output, _ = run("delete", path, "--user", "user-0", "--yes", "--verify", "private words")
    assert (code, "there is no record of user 'user-0'" in output, "none of the texts is left" in output) == (1, 1, 1)
    assert sum(spans for (spans,) in read(path, "SELECT spans FROM _deletions")) == 405


def mark(path: Path, rest: Callable[[float], object] = lambda held: None) -> None:
    """Note what a deletion of `user-1` is to remove, and remove nothing."""
    from otel_sqlite_exporter.maintain.deletion.chosen_records import choose_records
    from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
    from otel_sqlite_exporter.maintain.deletion.marked_records import mark_records
    from otel_sqlite_exporter.retention.ledger import LedgerEntry
    from otel_sqlite_exporter.storage.database import open_file
    from otel_sqlite_exporter.write.removal.removed_records import RemovedCounts

    rule = DeletionRule(users=("user-1",))
    with closing(open_file(resolve_settings(path))) as connection:
        chosen = choose_records(connection, rule)
        with transaction(connection):
            LedgerEntry("delete", rule.describe(), "r").note(connection, RemovedCounts())
        mark_records(connection, 1, rule, chosen=chosen.spans, has_index=False, rest=rest)


def test_a_deletion_that_was_stopped_before_all_was_noted_removes_nothing(path: Path) -> None:
    fill(path)

    def stop(held: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mark(path, stop)
    assert read(path, "SELECT count(*) FROM _deletion_records") == [(4,)]
    assert "an earlier deletion" not in run("delete", path, "--session", "session-2", "--dry-run")[1]
    assert run("delete", path, "--session", "session-2", "--yes")[0] == 0
    assert sessions(path) == [("session-0", 4), ("session-1", 4)]
    check_sound(path)


def test_a_pending_deletion_is_completed_whatever_is_asked(path: Path) -> None:
    fill(path)
    mark(path)
    assert "an earlier deletion" in run("delete", path, "--session", "session-2", "--dry-run")[1]
    code, output, _ = run("delete", path, "--session", "session-2", "--yes")
    assert (code, output.splitlines()[0]) == (0, "completed an earlier deletion that was stopped")
    assert [name for name, _ in sessions(path)] == ["session-0"]
    check_sound(path)


def write_meanwhile(path: str) -> None:
    """A program: writes until its input ends."""
    import threading

    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    with exporting(path) as exporter:
        exporter.export(make_spans("meanwhile 0"))
        print("ready", flush=True)
        number = 1
        while not ended.wait(0.01):
            assert exporter.export(make_spans(f"meanwhile {number}")).name == "SUCCESS"
            number += 1


def test_others_write_while_it_deletes(path: Path) -> None:
    fill(path, sessions=3, spans=60)
    with beside_process(write_meanwhile, path):
        code, output, error = run("delete", path, "--session", "session-1", "--yes", "--json")
        time.sleep(0.1)
    assert error == ""
    assert json.loads(output)["removed"]["spans"] == 60
    assert code in (0, 1)  # 1: the other process has just begun to write
    names = span_names(path)
    written = [name for name in names if name.startswith("meanwhile")]
    assert len(names) == 120 + len(written)
    assert len(written) == len({*written}) > 1
    assert not Path(f"{path}-spool").exists()
    check_sound(path)


def test_a_full_disk_stops_it_and_it_goes_on(small_disk: Path) -> None:
    path = small_disk / "otel.db"
    fill(path, sessions=2, spans=20, text="x" * 300)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    code, output, error = run_process("delete", path, "--session", "session-1", "--yes")
    assert (code, output) == (2, "")
    assert "disk" in error
    filler.unlink()
    assert run_process("delete", path, "--session", "session-1", "--yes")[2] == ""
    assert sessions(path) == [("session-0", 20)]
    check_sound(path)


def test_it_is_refused_by_an_older_package_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the next version upgrades the file first, if the settings allow it."""
    fill(path, sessions=1)
    become_next(monkeypatch, NEXT)
    code, _, error = run("delete", path, "--session", "session-0", "--yes", OTEL_EXPORTER_SQLITE_AUTO_MIGRATE="never")
    assert code == 2
    assert "migrate" in error


def test_a_dry_run_of_an_older_file_says_what_to_do_first(path: Path) -> None:
    unpack(13, path)
    before = snapshot(path)
    for command in (("delete", path, "--user", "ada", "--dry-run"), ("prune", path, "--older-than", "1d", "--dry-run")):
        code, _, error = run(*command)
        assert code == 2
        assert error.endswith(f"is too old for this question: run `python -m otel_sqlite_exporter migrate {path}`\n")
    assert snapshot(path) == before
    assert run("delete", path, "--since", "1970-01-01", "--yes")[0] == 0
    assert sessions(path) == []


def test_a_process_of_its_own_ends_with_the_code(path: Path) -> None:
    fill(path, sessions=1, note="private words")
    assert run_process("delete", path, "--verify", "private words")[0] == 1
    assert run_process("delete", path, "--session", "session-0", "--yes", "--verify", "private words")[0] == 0
    assert run_process("delete", path)[0] == 2


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER mine BEFORE DELETE ON _spans BEGIN SELECT raise(ABORT, 'kept'); END",
        "CREATE TABLE mine (span INTEGER REFERENCES _spans (id)); INSERT INTO mine SELECT id FROM _spans",
    ],
)
def test_what_of_the_user_forbids_it_is_said(path: Path, script: str) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as file:
        file.executescript(script)
    for command in (("delete", path, "--user", "user-1", "--yes"), ("prune", path, "--older-than", "0d")):
        code, _, error = run(*command)
        assert code == 2
        assert error.endswith("of yours forbids it: take it away, and run the same command again\n")
    assert len(sessions(path)) == 3
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"DROP {script.split()[1]} mine")
    assert run("delete", path, "--user", "user-2", "--yes")[0] == 0
    assert sessions(path) == [("session-0", 4)]
    check_sound(path)


def test_a_short_name_is_no_reason_to_rewrite_the_file(path: Path) -> None:
    fill(path)
    code, output, _ = run("delete", path, "--user", "a", "--user", "0", "--yes")
    assert code == 1
    assert "it was rewritten" not in output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--session", "session"), "there is no session 'session' in"),
        (("--session", "ession-1"), "there is no session 'ession-1' in"),
        (("--session", "sess", "--session", "session-1"), "there is no session 'sess' in"),
        (("--trace", "00ff"), "there is no trace '00ff' in"),
        (("--user", "nobody"), "there is no record of user 'nobody' in"),
        (("--user", "USER-1"), "there is no record of user 'USER-1' in"),
        (("--service", "shop", "--user", "user-1"), "there is no record of service 'shop' in"),
    ],
)
def test_a_name_that_no_record_has_does_not_look_like_success(path: Path, options: tuple[str, ...], said: str) -> None:
    fill(path)
    for more in (("--dry-run",), ("--yes",)):
        code, output, error = run("delete", path, *options, *more)
        assert (code, error) == (1, "")
        assert said in output
        assert "Did you mean" not in output
    assert len(sessions(path)) == (2 if "session-1" in options else 3)


def test_a_unique_prefix_is_not_deleted_and_the_id_is_named(path: Path) -> None:
    fill(path)
    assert run("delete", path, "--session", "session-0", "--session", "session-1", "--yes")[0] == 0
    code, output, _ = run("delete", path, "--session", "sess", "--yes")
    assert (code, "Did you mean 'session-2'? Ids are given in full" in output) == (1, True)
    (trace,) = read(path, "SELECT max(trace_id) FROM traces")[0]
    told = json.loads(run("delete", path, "--trace", trace[:-1], "--yes", "--json")[1])
    assert told["missing"] == [{"kind": "trace", "name": trace[:-1], "similar": trace}]
    assert [name for name, _ in sessions(path)] == ["session-2"]


def test_a_deletion_that_was_done_before_is_told_from_one_that_was_completed(path: Path) -> None:
    fill(path)
    assert [run("delete", path, "--user", "user-1", "--yes")[0] for _ in range(2)] == [0, 1]


def test_parts_of_sessions_are_told_apart(path: Path) -> None:
    fill(path)
    traces = read(path, "SELECT trace_id FROM traces WHERE session_id = 'session-1' ORDER BY 1")
    options = ("--session", "session-0"), ("--trace", traces[0][0])
    assert "  parts of 1 session; 1 trace\n" in run("delete", path, *options[1], "--dry-run")[1]
    where = f"session:session-0 OR trace:{traces[0][0]}"
    assert "  1 whole session, parts of 1 other; 5 traces\n" in run("delete", path, "--where", where, "--dry-run")[1]


def test_a_file_that_grew_meanwhile_says_why(path: Path) -> None:
    from otel_sqlite_exporter.maintain.deletion import deletion_run
    from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule

    fill(path)

    def write(plan: deletion_run.DeletionPlan) -> bool:
        fill(path, sessions=1, spans=40, text="x" * 30_000)
        return True

    report = deletion_run.delete_records(resolve_settings(path), DeletionRule(sessions=("session-2",)), confirm=write)
    assert report is not None
    assert report.bytes_after > report.bytes_before


def test_a_text_that_is_too_short_is_refused_with_what_to_give(path: Path) -> None:
    fill(path, sessions=1)
    code, _, error = run("delete", path, "--verify", "ada")
    assert (code, "give something longer, such as an address or a session id" in error) == (2, True)


def test_resources_and_scopes_of_what_is_deleted_go(path: Path) -> None:
    """A resource names the host and what else tells who it was."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    with exporting(path) as exporter:
        for user in ("ada", "bob"):
            provider = TracerProvider(
                resource=Resource({"service.name": "agent", "host.name": f"laptop of {user}"}), shutdown_on_exit=False
            )
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            provider.get_tracer(f"scope of {user}").start_span("chat", attributes={"user.id": user}).end()
    assert (
        run("delete", path, "--user", "ada", "--yes", "--verify", "laptop of ada", "--verify", "scope of ada")[0] == 0
    )
    assert run("delete", path, "--verify", "laptop of bob")[0] == 1


def test_pins_notes_and_scores_of_a_user_go(path: Path) -> None:
    """Also a score, which is a log record of a session without its user."""
    fill(path, sessions=2)
    for session in ("session-0", "session-1"):
        score = ("--name", "quality", "--value", "0.5", "--explanation", f"said of {session}")
        assert run("score", path, "--session", session, *score)[0] == 0
        assert run("pin", path, "--session", session, "--label", f"pin of {session}")[0] == 0
        assert run("note", path, "--session", session, "--text", f"note of {session}")[0] == 0
    texts = [part for what in ("said", "pin", "note") for part in ("--verify", f"{what} of session-0")]
    assert run("delete", path, "--user", "user-0", "--yes", *texts)[0] == 0
    assert read(path, "SELECT session_id, explanation FROM scores") == [("session-1", "said of session-1")]
    assert read(path, "SELECT text FROM marks ORDER BY text") == [("note of session-1",), ("pin of session-1",)]
