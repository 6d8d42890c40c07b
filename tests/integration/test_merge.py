# SPDX-License-Identifier: Apache-2.0
"""`merge`: what it brings over, what it leaves alone, and what it does when something goes wrong."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.sql.texts import read_query
from tests.commands import COMMAND, become_next, run, upgrade_to_next
from tests.conftest import clean_environment, exporting, in_new_process, make_spans, read, span_names
from tests.file_checks import check_file, everything, foreign, settle, snapshot
from tests.frozen_files.every_kind import receive_requests, write_every_kind
from tests.frozen_files.frozen_file import list_versions, unpack
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_running_work import open_span
from tests.legacy_files import write_typical
from tests.trials.orders import read_views
from tests.upgrades import NEWEST, migrate


def merge(target: Path, *sources: Path, code: int = 0, **environment: Any) -> list[dict[str, Any]]:
    """Merge files, and return what became of each."""
    done, output, errors = run("merge", *sources, "--into", target, "--json", **environment)
    assert (done, errors if code == 0 else "") == (code, "")
    files: list[dict[str, Any]] = json.loads(output)["files"]
    return files


def write_spans(path: Path, *names: str, **attributes: Any) -> Path:
    with exporting(path) as exporter:
        assert exporter.export(make_spans(*names, attributes=attributes)).name == "SUCCESS"
    return path


def write_logs(path: Path, *bodies: str, time_unix_nano: int = 1) -> Path:
    with logging_to(path) as exporter:
        logs = [make_log(body=body, timestamp=time_unix_nano, observed_timestamp=7) for body in bodies]
        assert exporter.export(logs).name == "SUCCESS"
    return path


def bodies(path: Path) -> list[str]:
    return [json.loads(body) for (body,) in read(path, "SELECT body FROM logs ORDER BY body")]


def test_files_become_one_and_stay_as_they_are(tmp_path: Path, path: Path) -> None:
    folder = tmp_path / "sources"
    sources = [write_spans(folder / f"{number}.db", f"span {number}") for number in range(6)]
    write_logs(sources[0], "a line")
    before = snapshot(sources[0])
    code, output, errors = run("merge", *sources, "--into", path)
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1] == f"added 6 spans, 1 log record and 0 data points to {path}"
    assert span_names(path) == sorted(f"span {number}" for number in range(6))
    assert bodies(path) == ["a line"]
    assert snapshot(sources[0]) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_every_kind_comes_over_with_all_that_its_views_show(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    write_every_kind(source)
    merge(path, source, OTEL_EXPORTER_SQLITE_COST="off")
    expected = read_views(source) | {"indexed_attributes": []}  # the merged file has indexes of its own
    assert read_views(path) == expected
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    health = "SELECT * FROM exporter_health ORDER BY run_id"
    assert read(path, health) == read(source, health)
    merge(path, source, OTEL_EXPORTER_SQLITE_COST="off")
    assert read_views(path) == expected
    assert read(path, health) == read(source, health)


@pytest.mark.parametrize("number", list_versions())
def test_an_older_file_is_merged_and_stays_old(tmp_path: Path, path: Path, number: int) -> None:
    source = tmp_path / "sources" / "source.db"
    source.parent.mkdir()
    unpack(number, source)
    before = everything(source)
    merge(path, source, OTEL_EXPORTER_SQLITE_COST="off")
    assert everything(source) == before
    assert [one["new_spans"] for one in merge(path, source)] == [0]
    upgraded = Path(shutil.copyfile(source, tmp_path / "upgraded.db"))
    migrate(upgraded, backup=False)
    assert read_views(path) == read_views(upgraded) | {"indexed_attributes": []}
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_the_folder_of_a_merge_that_was_killed_is_removed(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    unpack(min(list_versions()), source)
    left = tmp_path / ".otel.db.merging-left"
    left.mkdir()
    (left / "lock").touch()
    (left / "source.db").write_bytes(b"a copy")
    merge(path, source)
    assert not left.exists()


def test_what_cannot_be_merged_is_named_and_nothing_is_written(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, newer, other, old = (tmp_path / f"{name}.db" for name in ("good", "newer", "other", "old"))
    write_spans(good, "a")
    write_spans(newer, "b")
    settle(newer)
    upgrade_to_next(newer)
    foreign(other)
    write_typical(old)
    code, output, errors = run("merge", good, newer, other, old, tmp_path / "no.db", "--into", path)
    assert (code, output) == (2, "")
    for said in (f"{newer} has schema version {NEWEST + 1}", f"{other} is a SQLite file of another", "no.db does not"):
        assert said in errors
    assert f"migrate {old}" in errors
    assert "nothing was merged" in errors
    assert not path.exists()
    become_next(monkeypatch)  # the target is then the older one
    assert run("merge", good, "--into", good)[0] == 2


def test_a_file_is_not_merged_into_itself(tmp_path: Path, path: Path) -> None:
    write_spans(path, "a")
    link = tmp_path / "link.db"
    link.symlink_to(path)
    code, _, errors = run("merge", link, "--into", path)
    assert (code, "is the file to merge into" in errors) == (2, True)
    assert span_names(path) == ["a"]


def test_a_file_is_not_merged_into_what_belongs_to_it(path: Path) -> None:
    write_spans(path, "a")
    code, _, errors = run("merge", path, "--into", f"{path}-journal")
    assert (code, "belongs to" in errors) == (2, True)
    assert not Path(f"{path}-journal").exists()


def test_a_second_merge_reads_only_what_is_new(tmp_path: Path, path: Path) -> None:
    source = write_logs(write_spans(tmp_path / "source.db", "a", "b"), "x")
    merge(path, source)
    (again,) = merge(path, source)
    assert [again[name] for name in ("new_spans", "known_spans", "new_logs", "known_logs")] == [0, 0, 0, 0]
    assert again["is_unchanged"]
    assert run("merge", source, "--into", path)[1].splitlines() == [
        f"{source}: unchanged since the last merge",
        f"added 0 spans, 0 log records and 0 data points to {path}",
    ]
    write_logs(write_spans(source, "c"), "y")
    (more,) = merge(path, source)
    assert [more[name] for name in ("new_spans", "known_spans", "new_logs", "known_logs")] == [1, 0, 1, 0]
    assert not more["is_unchanged"]
    assert span_names(path) == ["a", "b", "c"]
    assert bodies(path) == ["x", "y"]


def test_another_file_in_the_place_of_a_source_is_read_from_its_start(tmp_path: Path, path: Path) -> None:
    source = write_logs(write_spans(tmp_path / "source.db", "a", "b"), "x", "y")
    merge(path, source)
    source.unlink()
    write_logs(write_spans(source, "c"), "z")
    merge(path, source)
    assert span_names(path) == ["a", "b", "c"]
    assert bodies(path) == ["x", "y", "z"]


def test_equal_log_records_are_as_many_as_in_the_file_with_most(tmp_path: Path, path: Path) -> None:
    one = write_logs(tmp_path / "one.db", "twice", "twice", "once")
    two = write_logs(tmp_path / "two.db", "twice", "once", "other")
    backup = Path(shutil.copyfile(one, tmp_path / "backup.db"))
    merge(path, two, one, backup)
    assert bodies(path) == ["once", "other", "twice", "twice"]
    write_logs(one, "twice")
    merge(path, backup, one, two)
    assert bodies(path) == ["once", "other", "twice", "twice", "twice"]


def test_very_many_log_records_of_one_time_are_compared_once(tmp_path: Path, path: Path) -> None:
    lines = [f"line {number % 1500}" for number in range(3_000)]
    one = write_logs(tmp_path / "one.db", *lines)
    two = write_logs(tmp_path / "two.db", *lines[:2_000])
    reports = merge(path, two, one)
    assert [(one["new_logs"], one["known_logs"]) for one in reports] == [(2_000, 0), (1_000, 2_000)]
    assert bodies(path) == sorted(lines)


def test_a_span_that_runs_gets_its_end_by_a_later_merge(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    with exporting(source) as exporter:
        assert exporter.export_open([open_span(1, 1, "work", {})]).name == "SUCCESS"
        merge(path, source)
        assert read(path, "SELECT status FROM spans") == [("running",)]
        (run_id,) = read(path, "SELECT h.run_id FROM _open_spans AS o JOIN _exporter_runs AS h ON h.id = o.run")
        assert [run_id] == read(source, "SELECT run_id FROM exporter_health")
        assert exporter.export([open_span(1, 1, "work", {}, ended=True)]).name == "SUCCESS"
    (report,) = merge(path, source)
    assert report["new_spans"] == 1
    assert read(path, "SELECT status, count(*) FROM spans") == [("ok", 1)]
    assert read(path, "SELECT count(*) FROM _open_spans") == [(0,)]


def test_a_span_that_was_cut_off_stays_so_until_its_end_comes(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    with exporting(source) as exporter:
        assert exporter.export_open([open_span(1, 1, "work", {})]).name == "SUCCESS"
        merge(path, source)
        with closing(sqlite3.connect(source, isolation_level=None)) as file:
            interrupt_spans(file, lambda run: True)
        merge(path, source)
        cut = read(path, "SELECT status, end_time_source, end_time_unix_nano FROM spans")
        assert cut == read(source, "SELECT status, end_time_source, end_time_unix_nano FROM spans")
        assert cut[0][:2] == ("interrupted", "estimated")
        fresh = tmp_path / "fresh.db"
        merge(fresh, source)
        assert read(fresh, "SELECT status, end_time_source, end_time_unix_nano FROM spans") == cut
        span = open_span(1, 1, "work", {}, ended=True)
        assert exporter.export([span]).name == "SUCCESS"
    for target in (path, fresh):
        merge(target, source)
        assert read(target, "SELECT status, end_time_unix_nano FROM spans") == [("ok", span.end_time)]
    # An estimated end of an older copy changes nothing.
    merge(path, source)
    assert read(path, "SELECT status FROM spans") == [("ok",)]


def test_costs_are_those_of_the_source(tmp_path: Path, path: Path) -> None:
    call = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": 1_000,
    }
    source = write_spans(tmp_path / "source.db", "priced", **call)
    write_spans(source, "reported", **call, cost_usd=0.5)
    with closing(sqlite3.connect(source, isolation_level=None)) as file:
        file.execute(
            "UPDATE _llm_interactions SET cost_usd = 0.125, price_source = 'then', price_date = '2026-01-01'"
            " WHERE cost_status = 'exact'"
        )
    for mode in ("off", "auto"):
        target = tmp_path / f"{mode}.db"
        merge(target, source, OTEL_EXPORTER_SQLITE_COST=mode)
        costs = "SELECT name, cost_usd, cost_status, price_source, price_date FROM complete_llm_interactions ORDER BY 1"
        assert read(target, costs) == read(source, costs)
    with exporting(tmp_path / "unpriced.db", cost="off") as exporter:
        exporter.export(make_spans("call", attributes=call))
    merge(path, tmp_path / "unpriced.db")
    assert read(path, "SELECT cost_usd, cost_status FROM complete_llm_interactions") == [(0.002, "partial")]


def test_counters_are_added_once(tmp_path: Path, path: Path) -> None:
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    receive_requests(one)
    receive_requests(two)
    received = "SELECT signal, received, stored, duplicate, rejected, retried_requests FROM receiver_sources ORDER BY 1"
    merge(path, one, two)
    merge(path, two, one)
    assert read(path, received) == [("logs", 4, 2, 2, 0, 2), ("traces", 2, 0, 0, 2, 0)]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(1,)]
    receive_once(one, b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "more"}}]}]}]}')
    merge(path, one)
    merge(path, one)
    assert read(path, received)[0][:3] == ("logs", 5, 3)
    # A sender that repeats a request to the merged file is known there.
    receive_once(path, b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "more"}}]}]}]}')
    assert bodies(path).count("more") == 1


def receive_once(path: Path, body: bytes) -> None:
    receiver = Receiver(resolve_settings(path))
    receiver.submit(ReceivedRequest("logs", body, True, "curl", "127.0.0.1", len(body))).result()
    receiver.close()


def test_what_a_source_imported_is_known_in_the_merged_file(tmp_path: Path, path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "line"}}]}]}]}\n')
    source = tmp_path / "source.db"
    assert run("import", lines, "--into", source)[0] == 0
    merge(path, source)
    assert run("import", lines, "--into", path)[0] == 0
    assert bodies(path) == ["line"]


def insert(path: Path, table: str, **columns: Any) -> None:
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", columns)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_marks_the_later_stays(tmp_path: Path, path: Path, order: Sequence[int]) -> None:
    sources = [write_spans(tmp_path / f"{number}.db", f"{number}") for number in range(2)]
    for number, source in enumerate(sources):
        insert(
            source,
            "_marks",
            **{
                "kind": 0,
                "session_id": "s",
                "trace_id": "",
                "is_set": 1,
                "text": f"{number}",
                "time_unix_nano": number,
            },
        )
    merge(path, *(sources[place] for place in order))
    assert read(path, "SELECT text, time_unix_nano FROM _marks") == [("1", 1)]


def usage_row(path: Path, day: int, calls: int) -> dict[str, Any]:
    ((name,),) = read(path, "SELECT value FROM _state WHERE name = 'file'")
    numbers = [row[1] for row in read(path, "PRAGMA table_info(_kept_usage)") if row[2] == "INTEGER" and row[3]]
    values: dict[str, Any] = dict.fromkeys(numbers, 0)
    return values | {"source": name, "day": day, "service_name": "s", "calls": calls, "cost_usd": 0.5}


def ledger_row(run_id: str, *, end: int, removed: int) -> dict[str, Any]:
    numbers = ("sessions", "traces", "spans", "logs", "events", "calls", "tools", "others")
    row = {"run_id": run_id, "command": "prune", "rule": "{}", "start_time_unix_nano": 1, "is_complete": 0}
    return row | dict.fromkeys(numbers, removed) | {"end_time_unix_nano": end}


def test_kept_sums_come_once_and_not_beside_the_calls_that_were_merged(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", "a")
    ((today,),) = read(source, "SELECT max(start_time_unix_nano) / 86400000000000 FROM spans")
    insert(source, "_kept_usage", **usage_row(source, today - 9, 5))
    backup = Path(shutil.copyfile(source, tmp_path / "backup.db"))
    merge(path, source)
    merge(path, source, backup)
    kept = "SELECT day, calls, cost_usd FROM _kept_usage ORDER BY day"
    assert read(path, kept) == [(today - 9, 5, 0.5)]
    # These calls were in the source at the merge before, so the merged file has them; those of tomorrow it never saw.
    insert(source, "_kept_usage", **usage_row(source, today, 2))
    insert(source, "_kept_usage", **usage_row(source, today + 1, 3))
    insert(source, "_deletions", **ledger_row("r", end=2, removed=5))
    merge(path, source)
    assert read(path, kept) == [(today - 9, 5, 0.5), (today + 1, 3, 0.5)]
    # A sum may become smaller, where another record of a call counted meanwhile; a copy of before changes nothing.
    with closing(sqlite3.connect(source, isolation_level=None)) as file:
        file.execute("UPDATE _kept_usage SET calls = 1 WHERE calls = 3")
    insert(source, "_deletions", **ledger_row("s", end=3, removed=1))
    merge(path, source, backup)
    assert read(path, kept) == [(today - 9, 5, 0.5), (today + 1, 1, 0.5)]
    # What a merged file got of others comes along, unless these were merged themselves.
    other = tmp_path / "other.db"
    merge(other, path)
    assert read(other, kept) == read(path, kept)
    merge(other, source)
    merge(other, path, backup)
    assert read(other, kept) == read(path, kept)


def test_the_ledger_has_each_run_once_as_it_ended(tmp_path: Path, path: Path) -> None:
    one, two = (write_spans(tmp_path / f"{number}.db", f"{number}") for number in range(2))
    insert(one, "_deletions", **ledger_row("r", end=2, removed=1))
    insert(two, "_deletions", **ledger_row("r", end=5, removed=4) | {"is_complete": 1})
    merge(path, two, one)
    assert read(path, "SELECT end_time_unix_nano, is_complete, spans FROM _deletions") == [(5, 1, 4)]


@pytest.mark.parametrize("kind", ["marks", "deletions", "usage"])
def test_every_column_of_a_table_is_merged(path: Path, kind: str) -> None:
    table = {"usage": "_kept_usage"}.get(kind, f"_{kind}")
    write_spans(path, "a")
    columns = [row[1] for row in read(path, f"PRAGMA table_info({table})")]
    with closing(sqlite3.connect(path)) as file:
        cursor = file.execute(read_query(f"read_source_{kind}"), {"after": 0, "limit": 1, "source": "x", "days": "[]"})
    assert [column[0] for column in cursor.description] == columns
    assert all(f":{column}" in read_query(f"merge_{kind}") for column in columns[1:])


def test_records_in_a_spool_are_said_to_wait(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", "a")
    spool = Spool(spool_path(str(source)), limit_bytes=1_000)
    spool.append([b"{}"], b"\0" * 16, timeout_s=1)
    code, _, errors = run("merge", source, "--into", path)
    assert code == 0
    assert f"1 batch waits in its spool and was not merged: run `python -m otel_sqlite_exporter recover {source}`" in (
        errors
    )


@pytest.mark.parametrize("table", ["_spans", "_logs"])
def test_what_can_be_read_of_a_damaged_file_is_merged(tmp_path: Path, path: Path, table: str) -> None:
    source = tmp_path / "source.db"
    noise = random.Random(1)
    write_spans(source, *(f"span {number:03}" for number in range(100)), text=noise.randbytes(500).hex())
    write_logs(source, *(f"{number:03} {noise.randbytes(500).hex()}" for number in range(100)))
    settle(source)
    with closing(sqlite3.connect(source)) as file:
        leaves = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
        try:
            pages = [page for (page,) in file.execute(leaves, (table,))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")
        (size,) = file.execute("PRAGMA page_size").fetchone()
    with source.open("r+b") as raw:
        raw.seek((pages[len(pages) // 2] - 1) * size)
        raw.write(b"\xa5" * size)
    code, output, errors = run("merge", source, "--into", path, "--json")
    (report,) = json.loads(output)["files"]
    assert code == 1
    assert str(source) in errors
    new, other = (report["new_spans"], report["new_logs"])[:: 1 if table == "_spans" else -1]
    assert 30 < new < 100
    assert other == 100
    assert report["unreadable"] == 100 - new or report["damages"]
    (again,) = merge(path, source, code=1)
    assert (again["new_spans"], again["new_logs"]) == (0, 0)
    assert (again["known_spans"], again["known_logs"]) == (report["new_spans"], report["new_logs"])


def test_a_value_that_is_no_json_costs_its_record(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", "a", "b", "c")
    with closing(sqlite3.connect(source, isolation_level=None)) as file:
        file.execute("UPDATE _spans SET attributes = '{' WHERE name = 'b'")
    code, _, errors = run("merge", source, "--into", path)
    assert (code, "1 record cannot be read" in errors) == (1, True)
    assert span_names(path) == ["a", "c"]


def test_a_record_that_the_merged_file_refuses_is_in_quarantine(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", *(f"span {number}" for number in range(20)))
    write_spans(path, "mine")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(
            "CREATE TRIGGER theirs BEFORE INSERT ON _spans WHEN new.name = 'span 7'"
            " BEGIN SELECT raise(ABORT, 'no'); END"
        )
    (report,) = merge(path, source, code=1)
    assert (report["new_spans"], report["refused"]) == (19, 1)
    assert read(path, "SELECT reason FROM _quarantine WHERE content LIKE '%span 7%'") == [("IntegrityError: no",)]
    assert merge(path, source)[0]["new_spans"] == 0


def test_records_are_redacted_as_the_settings_say(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", "a", **{"api.key": "secret", "user.id": "ada-lovelace"})
    write_logs(source, "a line")
    merge(path, source, OTEL_EXPORTER_SQLITE_REDACT_KEYS="api.key,user.id")
    settle(path)
    assert b"secret" not in path.read_bytes()
    assert b"lovelace" not in path.read_bytes()
    assert span_names(path) == ["a"]
    assert merge(path, source, OTEL_EXPORTER_SQLITE_REDACT_KEYS="api.key,user.id")[0]["new_spans"] == 0


def write_while_merged(path: str) -> None:
    with exporting(path) as exporter:
        for number in range(40):
            exporter.export(make_spans(f"{path[-4]} {number}"))


def test_sources_and_target_may_be_written_meanwhile(tmp_path: Path, path: Path) -> None:
    sources = [tmp_path / "a.db", tmp_path / "b.db"]
    for source in sources:
        write_spans(source, "first")
    write_spans(path, "first")
    program = "import sys; from tests.integration.test_merge import write_while_merged; write_while_merged(sys.argv[1])"
    writers = [
        subprocess.Popen([COMMAND[0], "-c", program, str(one)], env=clean_environment()) for one in (*sources, path)
    ]
    while any(writer.poll() is None for writer in writers):
        merge(path, *sources)
    merge(path, *sources)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert len(span_names(path)) == 3 * 41
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.slow
def test_a_merge_that_is_killed_at_any_moment_goes_on(tmp_path: Path, path: Path) -> None:
    chance = random.Random(5)
    source = tmp_path / "source.db"
    write_every_kind(source)
    spans = [make_spans(*(f"span {number}" for number in range(500))) for _ in range(8)]
    with exporting(source) as exporter, logging_to(source) as logs:
        for batch in spans:
            exporter.export(batch)
            logs.export([make_log(body=f"{number % 400}", timestamp=number % 7 + 1) for number in range(500)])
    kills = 0
    while True:
        command = [*COMMAND, "merge", str(source), "--into", str(path)]
        process = subprocess.Popen(command, env=clean_environment(OTEL_EXPORTER_SQLITE_COST="off"))
        try:
            assert process.wait(0.45 + chance.random() * 0.6) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if kills < 5:
                continue
            merge(path, source, OTEL_EXPORTER_SQLITE_COST="off")
        break
    merge(path, source, OTEL_EXPORTER_SQLITE_COST="off")
    assert read_views(path) == read_views(source) | {"indexed_attributes": []}


def merge_where_files_cannot_grow(source: str, target: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_600_000, hard))
    code, _, errors = run("merge", source, "--into", target)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(json.dumps([code, errors]))


def test_a_full_disk_ends_the_merge_and_room_lets_it_go_on(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "source.db"
    noise = random.Random(2)
    with exporting(source) as exporter:
        for number in range(6):
            exporter.export(make_spans(*(f"{number} {one}" for one in range(300)), attributes={"n": noise.random()}))
    code, errors = in_new_process(merge_where_files_cannot_grow, source, path)
    assert code == 2
    assert "SQLite says: " in errors
    assert len(span_names(path)) < 1_800
    merge(path, source)
    assert len(span_names(path)) == 1_800


def test_an_exporter_may_go_on_with_the_merged_file(tmp_path: Path, path: Path) -> None:
    source = write_spans(tmp_path / "source.db", "a")
    exporter = SQLiteSpanExporter(path)
    exporter.export(make_spans("b"))
    merge(path, source)
    exporter.export(make_spans("c"))
    exporter.shutdown()
    assert span_names(path) == ["a", "b", "c"]
