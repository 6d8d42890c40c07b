# SPDX-License-Identifier: Apache-2.0
"""`prune`: what goes by which rule, what stays, and what is kept of it."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import Annotations, SQLiteLogRecordExporter, SQLiteSpanProcessor, TelemetryDatabase
from otel_sqlite_exporter.cli.options import ATTENTION
from otel_sqlite_exporter.retention.prune import PruneResult, prune
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import resolve_settings
from tests.aged_spans import aged_call, aged_log, aged_span
from tests.commands import run, run_killed
from tests.conftest import clean_environment, exporting, read
from tests.file_checks import check_file, view_contents

DAY_S = 86_400
SUMS = (
    "SELECT date, service_name, model, sum(calls), sum(failed_calls), sum(reported), sum(input_tokens),"
    " sum(output_tokens), sum(priced), sum(unpriced_calls), sum(cost_usd) FROM usage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)


def export(path: Path, spans: Iterable[Any], logs: Iterable[Any] = ()) -> None:
    with exporting(path) as exporter:
        exporter.export([*spans])
    if logs := [*logs]:
        log_exporter = SQLiteLogRecordExporter(path)
        log_exporter.export(logs)
        log_exporter.shutdown()


def prune_file(path: Path, **rules: Any) -> PruneResult:
    done = prune(resolve_settings(path), RetentionRules(**rules), rest=lambda held: None)
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    return done


def names(path: Path) -> list[str]:
    return [name for (name,) in read(path, "SELECT name FROM spans ORDER BY name")]


def pin(path: Path, *, session: str = "", trace: str = "") -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "INSERT INTO _marks (kind, session_id, trace_id, is_set, text, time_unix_nano) VALUES (0, ?, ?, 1, '', 1)",
            (session, trace),
        )


def test_by_age_whole_sessions_go_when_their_last_record_is_due(path: Path) -> None:
    export(
        path,
        [
            aged_span("a-old", 40, session="a"),
            aged_span("a-new", 5, session="a"),
            aged_span("b-old", 41, session="b"),
            aged_span("b-late", 31, session="b"),
            aged_span("alone-old", 35),
            aged_span("alone-new", 2),
        ],
        [aged_log("old", 33), aged_log("new", 3), aged_log("of a", 50, session="a"), aged_log("of b", 50, session="b")],
    )
    done = prune_file(path, older_than_s=30 * DAY_S)
    assert names(path) == ["a-new", "a-old", "alone-new"]
    assert sorted(read(path, "SELECT body FROM logs")) == [('"new"',), ('"of a"',)]
    assert (done.removed.sessions, done.removed.spans, done.removed.logs) == (1, 3, 2)
    assert prune_file(path, older_than_s=30 * DAY_S).run_id is None


def test_a_trace_keeps_what_shows_a_younger_session(path: Path) -> None:
    trace = 7 << 64
    export(
        path,
        [
            aged_span("old", 40, trace=trace, session="old"),
            aged_span("new", 4, trace=trace, session="new"),
        ],
    )
    prune_file(path, older_than_s=30 * DAY_S)
    assert names(path) == ["new"]
    assert read(path, "SELECT session_id FROM sessions") == [("new",)]


def test_what_runs_and_what_is_pinned_stays(path: Path) -> None:
    pinned = 5 << 100
    export(
        path,
        [
            aged_span("pinned session", 40, session="pinned"),
            aged_span("pinned trace", 40, trace=pinned, session="of a trace"),
            aged_span("beside the pinned trace", 44, session="of a trace"),
            aged_span("pinned alone", 41, trace=pinned + 1),
            aged_span("due", 42, session="due"),
            aged_span("due alone", 42),
        ],
    )
    pin(path, session="pinned")
    pin(path, trace=f"{pinned:032x}")
    pin(path, trace=f"{pinned + 1:032x}")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SQLiteSpanProcessor(path, open_delay_ms=0))
    old = 10**9
    running = provider.get_tracer("tests").start_span("running", start_time=old, attributes={"session.id": "running"})
    ended = provider.get_tracer("tests").start_span("ended", start_time=old, attributes={"session.id": "running"})
    ended.end(old + 1)
    provider.force_flush()
    while not TelemetryDatabase(path).find_spans(name="running"):
        pass
    done = prune_file(path, older_than_s=30 * DAY_S)
    assert names(path) == [
        *("beside the pinned trace", "ended", "pinned alone", "pinned session", "pinned trace", "running"),
    ]
    assert done.kept == {"pinned": 3, "running": 1}
    running.end()
    provider.shutdown()


def test_a_pin_that_was_taken_away_keeps_nothing(path: Path) -> None:
    export(path, [aged_span("one", 40, session="s")])
    pin(path, session="s")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _marks SET is_set = 0")
    prune_file(path, older_than_s=30 * DAY_S)
    assert names(path) == []


def test_the_notes_of_what_goes_go_with_it(path: Path) -> None:
    export(path, [aged_span("a", 10, session="old"), aged_span("b", 1, session="new"), aged_span("c", 10)])
    lone = next(trace.trace_id for trace in TelemetryDatabase(path).find_traces() if trace.session_id is None)
    annotations = Annotations(path)
    for session in ("old", "new"):
        annotations.note(f"of {session}", session_id=session)
    annotations.note("of a trace", trace_id=lone)
    prune_file(path, older_than_s=5 * DAY_S)
    assert [text for (text,) in read(path, "SELECT text FROM _marks")] == ["of new"]


def test_failed_ones_are_kept_longer(path: Path) -> None:
    export(
        path,
        [
            aged_span("failed", 40, session="failed", failed=True),
            aged_span("very old", 100, session="very old", failed=True),
            aged_span("failed alone", 50, failed=True),
            aged_span("well", 40, session="well"),
        ],
    )
    done = prune_file(path, older_than_s=30 * DAY_S, keep_failed_s=90 * DAY_S)
    assert names(path) == ["failed", "failed alone"]
    assert done.kept == {"failed": 2}


def test_a_plain_number_is_days(path: Path) -> None:
    export(path, [aged_span("old", 40), aged_span("failed", 50, failed=True), aged_span("new", 20)])
    assert run("prune", path, "--older-than", "30", "--keep-failed", "90")[0] == 0
    assert names(path) == ["failed", "new"]


def test_only_records_of_a_service_go_if_one_is_named(path: Path) -> None:
    spans = [aged_span(f"{service} {kind}", 40, session=session, service=service) for service, kind, session in (
        ("shop", "session", "s"), ("shop", "alone", None), ("mail", "session", "m"), ("mail", "alone", None),
    )]  # fmt: skip
    export(path, spans, [aged_log("shop", 40), aged_log("mail", 40, service="mail")])
    prune_file(path, older_than_s=30 * DAY_S, services=("mail",))
    assert names(path) == ["shop alone", "shop session"]
    assert read(path, "SELECT body FROM logs") == [('"shop"',)]
    export(path, [aged_span(f"mail {day}", day, session=f"mail {day}", service="mail") for day in range(5)])
    prune_file(path, max_sessions=2, services=("mail",))
    assert names(path) == ["mail 0", "mail 1", "shop alone", "shop session"]


def test_the_newest_sessions_stay_by_number(path: Path) -> None:
    export(path, [aged_span(f"{day}", day, session=f"s{day}") for day in range(6)] + [aged_span("alone", 90)])
    pin(path, session="s5")
    done = prune_file(path, max_sessions=2)
    assert names(path) == ["0", "1", "5", "alone"]
    assert (done.excess_sessions, dict(done.kept)) == (1, {"pinned": 1})


def test_by_size_the_oldest_go_until_the_file_holds_less(path: Path) -> None:
    text = "x" * 20_000
    spans = [aged_span(f"{day:03}", day, session=f"s{day}", attributes={"text": f"{day}{text}"}) for day in range(900)]
    export(path, spans)
    size = os.path.getsize(path)
    done = prune_file(path, max_bytes=12_000_000)
    left = names(path)
    assert left == [f"{day:03}" for day in range(len(left))]
    assert size > 18_000_000
    assert 10_500_000 < os.path.getsize(path) <= 12_000_000
    assert (done.excess_bytes, done.file_bytes_after) == (0, os.path.getsize(path))
    assert prune_file(path, max_bytes=12_000_000).run_id is None


def test_a_cap_that_pins_make_impossible_is_said(path: Path) -> None:
    text = "x" * 100_000
    export(path, [aged_span("kept", 9, session="kept", attributes={f"text {one}": text for one in range(120)})])
    pin(path, session="kept")
    code, _, said = run("prune", path, "--max-size", "10MB")
    assert code == ATTENTION
    assert "it holds" in said
    assert "1 session or trace is pinned and stays" in said
    assert f"sessions --pinned {path}" in said
    assert f"traces --pinned {path}" in said
    assert names(path) == ["kept"]


def _calls(path: Path) -> None:
    spans = []
    for day in range(40):
        spans += [
            aged_call(f"a{day}", day, tokens=10 + day, session=f"s{day}", user=f"u{day % 3}"),
            aged_call(f"b{day}", day, tokens=5, model="m-2", failed=day % 4 == 0),
            aged_span(f"c{day}", day, session=f"s{day}"),
        ]
    export(path, spans)


def test_sums_of_usage_are_the_same_before_and_after(path: Path) -> None:
    _calls(path)
    before = read(path, SUMS)
    database = TelemetryDatabase(path)
    reports = {
        (name, group): database.run_report(name, group_by=group).to_dicts()
        for name in ("tokens", "cost")
        for group in ("model", "request_model", "provider", "operation", "agent", "service", "day", "week")
    }
    prune_file(path, older_than_s=15 * DAY_S)
    assert read(path, SUMS) == before
    assert read(path, "SELECT sum(is_kept) > 0, count(user_id) FROM usage WHERE is_kept = 1") == [(1, 0)]
    for (name, group), rows in reports.items():
        now = database.run_report(name, group_by=group)
        assert sum(row["kept_calls"] for row in now.to_dicts()) == 50
        assert [row | {"kept_calls": 0} for row in now.to_dicts()] == rows
        assert "50 calls of this time were removed" in str(now.note)


def test_what_daily_sums_cannot_tell_is_said(path: Path) -> None:
    _calls(path)
    prune_file(path, older_than_s=15 * DAY_S)
    database = TelemetryDatabase(path)
    by_session = database.run_report("tokens", group_by="session")
    assert sum(row["calls"] for row in by_session.to_dicts()) == 30
    assert "50 calls of this time were removed and not counted here" in str(by_session.note)
    assert "do not tell session" in str(by_session.note)
    assert "do not tell status" in str(database.run_report("cost", status="ok").note)
    assert "6 failed calls of this time were removed" in str(database.run_report("errors").note)
    of_model = database.run_report("tokens", model="m-2").to_dicts()
    assert [(row["model"], row["calls"], row["kept_calls"]) for row in of_model] == [("m-2", 40, 25)]
    recent = database.run_report("tokens", since="10d")
    assert recent.note is None


def test_users_stand_in_daily_sums_only_if_asked(path: Path, tmp_path: Path) -> None:
    _calls(path)
    other = tmp_path / "other.db"
    _calls(other)
    prune_file(path, older_than_s=15 * DAY_S)
    prune_file(other, older_than_s=15 * DAY_S, keep_users=True)
    users = "SELECT user_id, sum(calls) FROM kept_usage GROUP BY 1 ORDER BY 1"
    assert read(path, users) == [(None, 50)]
    assert read(other, users) == [(None, 25), ("u0", 9), ("u1", 8), ("u2", 8)]
    assert "50 of them without a user, as users are kept only with" in str(
        TelemetryDatabase(path).run_report("cost", group_by="user").note
    )
    rows = TelemetryDatabase(other).run_report("tokens", group_by="user", user_id="u0").to_dicts()
    assert [(row["user"], row["calls"], row["kept_calls"]) for row in rows] == [("u0", 14, 9)]


@pytest.mark.parametrize("first", ["session", "trace"])
def test_the_second_record_of_a_call_is_not_counted_twice(path: Path, first: str) -> None:
    """Once the first is gone, the second counts."""
    trace, same = 13 << 64, {"gen_ai.response.id": "r-1"}
    export(
        path,
        [
            aged_call("one", 40, tokens=7, session="s", attributes=same),
            aged_call("two", 40, tokens=7, trace=trace, attributes=same, scope="client"),
        ],
    )
    sums = "SELECT sum(calls), sum(reported), sum(input_tokens), sum(output_tokens) FROM usage"
    before = read(path, sums)
    assert before == [(1, 1, 7, 1)]
    pin(path, **({"trace": f"{trace:032x}"} if first == "session" else {"session": "s"}))
    prune_file(path, older_than_s=30 * DAY_S)
    assert len(names(path)) == 1
    assert read(path, "SELECT counted FROM complete_llm_interactions") == [(1,)]
    assert read(path, sums) == before
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _marks SET is_set = 0")
    prune_file(path, older_than_s=30 * DAY_S)
    assert names(path) == []
    assert read(path, sums) == before


def test_sums_hold_where_calls_cancel_each_other_and_tokens_do_not(path: Path) -> None:
    """One record of a call goes, and another one counts in its place, with other tokens."""
    same = {"gen_ai.response.id": "r-1"}
    export(
        path,
        [
            aged_call("one", 40, tokens=9, session="s", attributes=same),
            aged_call("two", 40, tokens=7, trace=13 << 123, attributes=same, scope="client"),
        ],
    )
    sums = "SELECT sum(calls), sum(reported), sum(input_tokens), sum(output_tokens), sum(total_tokens) FROM usage"
    before = read(path, sums)
    assert before == [(1, 1, 9, 1, 10)]
    pin(path, trace=f"{13 << 123:032x}")
    prune_file(path, older_than_s=30 * DAY_S)
    assert read(path, "SELECT calls, total_tokens FROM usage ORDER BY is_kept") == [(1, 8), (0, 2)]
    assert read(path, sums) == before


def test_a_dry_run_names_what_would_go_and_changes_nothing(path: Path) -> None:
    _calls(path)
    before = view_contents(path)
    code, said, _ = run("prune", path, "--older-than", "35d", "--dry-run", "--json")
    plan = json.loads(said)
    assert code == 0
    assert [one["session_id"] for one in plan["sessions"]] == ["s39", "s38", "s37", "s36", "s35"]
    assert (plan["traces"], plan["traces_without_session"], plan["spans"], plan["logs"]) == (15, 5, 15, 0)
    assert 0 < plan["estimated_bytes"] < plan["used_bytes"]
    assert view_contents(path) == before
    _, told, _ = run("prune", path, "--older-than", "35d", "--dry-run")
    assert "would remove 5 sessions and 15 traces (5 of them without a session)" in told
    assert "s39" in told
    cut = run("prune", path, "--older-than", "35d", "--dry-run", "-n", "2")[1]
    assert "sessions that would go (2 of 5)" in cut
    assert "-n 5 shows all" in cut
    assert ("s38" in cut, "s37" in cut) == (True, False)
    done = json.loads(run("prune", path, "--older-than", "35d", "--json")[1])
    assert [done["removed"][name] for name in ("sessions", "traces", "spans")] == [5, 15, 15]


def test_a_trace_of_two_sessions_is_planned_once_and_only_if_both_go(path: Path) -> None:
    for number, ages in enumerate(((40, 41), (42, 2))):
        spans = [aged_span("part", age, trace=(21 + number) << 64, session=f"{number} {age}") for age in ages]
        export(path, spans)
    plan = json.loads(run("prune", path, "--older-than", "30d", "--dry-run", "--json")[1])
    assert (len(plan["sessions"]), plan["traces"]) == (3, 1)
    assert prune_file(path, older_than_s=30 * DAY_S).removed.traces == 1


def test_what_stays_is_named_the_oldest_first(path: Path) -> None:
    spans = [aged_span("failed", 40 + day, session=f"f{day}", failed=True) for day in range(7)]
    trace = 31 << 64
    spans += [aged_span("pinned", 50, session="s-pinned"), aged_span("of a pin", 51, trace=trace, session="s-held")]
    spans.append(aged_span("alone", 60, trace=trace + 1))
    export(path, spans)
    pin(path, session="s-pinned")
    pin(path, trace=f"{trace:032x}")
    pin(path, trace=f"{trace + 1:032x}")
    for options in (("--dry-run",), ()):
        _, said, _ = run("prune", path, "--older-than", "30d", "--keep-failed", "90d", *options)
        pinned = f"trace {trace + 1:032x}, session s-held (its trace {trace:032x} is pinned), session s-pinned\n"
        assert f"3 sessions or traces are pinned and stay: {pinned}" in said
        failed = "session f6, session f5, session f4, session f3, session f2, 2 younger\n"
        assert f"7 sessions or traces failed and stay: {failed}" in said


def test_the_ledger_tells_how_much_and_names_nobody(path: Path) -> None:
    export(path, [aged_span("one", 40, session="secret session", service="secret service")])
    run("prune", path, "--older-than", "30d", "--service", "secret service", "--keep-failed", "60d")
    (row,) = read(path, "SELECT command, rule, is_complete, sessions, traces, spans FROM deletions")
    assert row == ("prune", '{"older_than_days": 30.0, "services": 1, "keep_failed_days": 60.0}', 1, 1, 1, 1)
    assert "secret" not in str(read(path, "SELECT * FROM _deletions"))


def test_a_command_without_a_rule_is_refused(path: Path) -> None:
    export(path, [aged_span("one", 40)])
    code, _, said = run("prune", path, "--keep-failed", "1d")
    assert (code, "give --older-than, --max-size, --max-sessions or --metrics-raw-days" in said) == (2, True)
    for option, value, why in (
        ("--older-than", "30 days", "give an age such as 30d"),
        ("--max-size", "5 MB", "a smaller cap would leave no room for records"),
    ):
        code, _, said = run("prune", path, option, value)
        assert (code, why in said) == (2, True)


def test_a_late_span_of_a_removed_trace_is_a_new_trace(path: Path) -> None:
    trace = 9 << 64
    export(path, [aged_span("early", 40, trace=trace, session="s")])
    prune_file(path, older_than_s=30 * DAY_S)
    export(path, [aged_span("late", 1, trace=trace)])
    assert read(path, "SELECT trace_id, session_id, spans FROM traces") == [(f"{trace:032x}", None, 1)]


@pytest.mark.parametrize("seed", range(1))
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(path: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    trace = 11 << 64
    spans = [aged_span(f"big {one}", 50, trace=trace, session="big" if one % 7 == 0 else None) for one in range(600)]
    for one in range(300):
        spans.append(aged_call(f"call {one}", 20 + one / 10, tokens=one, session=f"s{one % 60}"))
    export(path, spans)
    other = tmp_path / "other.db"
    export(other, spans)
    prune_file(other, older_than_s=30 * DAY_S)
    run_killed(chance, "prune", path, "--older-than", "30d")
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    assert view_contents(path) == view_contents(other)
    assert read(path, "SELECT * FROM usage") == read(other, "SELECT * FROM usage")
    assert read(path, "SELECT name FROM _state WHERE name = 'retention unit'") == []
    sums = "SELECT sum(spans), sum(sessions) FROM deletions"
    assert read(path, sums) == read(other, sums)


def test_processes_write_and_read_meanwhile(path: Path) -> None:
    export(path, [aged_span(f"old {one}", 40, session=f"s{one % 50}") for one in range(2_000)])
    write = (
        "import sys, time\nfrom otel_sqlite_exporter import SQLiteSpanExporter\nfrom tests.conftest import make_spans\n"
        "exporter = SQLiteSpanExporter(sys.argv[1])\nprint('ready', flush=True)\n"
        "for number in range(60):\n"
        "    exporter.export(make_spans(*(f'new {number} {one}' for one in range(20))))\n"
        "    time.sleep(0.01)\n"
        "exporter.shutdown()\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", write, str(path)], env=clean_environment(), stdout=subprocess.PIPE, text=True
        ) as writer,
        closing(sqlite3.connect(path)) as reader,
    ):
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        reader.execute("BEGIN")
        (before,) = reader.execute("SELECT count(*) FROM spans WHERE name LIKE 'old%'").fetchone()
        prune(resolve_settings(path), RetentionRules(older_than_s=30 * DAY_S))
        assert reader.execute("SELECT count(*) FROM spans WHERE name LIKE 'old%'").fetchone() == (before,)
        reader.execute("COMMIT")
        assert writer.wait() == 0
    assert read(path, "SELECT count(*), count(*) FILTER (WHERE name LIKE 'old%') FROM spans") == [(1_200, 0)]
    assert read(path, "SELECT sum(spooled), sum(dropped) FROM exporter_health") == [(0, 0)]
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
