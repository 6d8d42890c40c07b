# SPDX-License-Identifier: Apache-2.0
"""`delete` removes data points, series and exemplars of sessions, users, services, traces and times, and proves it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.cli.options import ATTENTION
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.deletion_run import delete_records, plan_deletion
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    HISTOGRAM,
    SUM,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from tests.aged_spans import NOW_NS, aged_span
from tests.commands import run
from tests.conftest import ROOT, clean_environment, exporting, read
from tests.integration.test_metric_pruning import check
from tests.mixed_points import encode, read_metrics, write_batches

_ADDED = InstrumentFields("added", "", "1", SUM, DELTA, True)
_SCOPE = ScopeFields("meters")
_MINUTE_NS = 60 * 10**9


def make_point(
    minute: int,
    *,
    instrument: InstrumentFields = _ADDED,
    resource: dict[str, Any] | None = None,
    exemplars: Sequence[ExemplarFields] = (),
    **attributes: Any,
) -> PointFields:
    """A point so many minutes ago; in names of attributes, `_` stands for a dot."""
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    at = NOW_NS - minute * _MINUTE_NS
    value, distribution = (
        (1, None) if instrument.kind == SUM else (None, DistributionFields(1, 1.0, bounds=[1], counts=[1, 0]))
    )
    fields = ResourceFields({"service.name": "shop"} if resource is None else resource)
    return PointFields(instrument, named, at - _MINUTE_NS, at, 0, value, distribution, exemplars, fields, _SCOPE)


def traced(trace: int, **attributes: Any) -> list[ExemplarFields]:
    return [
        ExemplarFields(1.0, NOW_NS, trace, 7, {name.replace("_", "."): value for name, value in attributes.items()})
    ]


def write(path: Path, *points: PointFields) -> None:
    write_batches(path, [encode(points)])


def delete(path: Path, **rule: Any) -> Any:
    report = delete_records(resolve_settings(path), DeletionRule(**rule))
    assert report is not None
    check(path)
    return report


def export(path: Path, spans: Iterable[ReadableSpan]) -> None:
    with exporting(path) as exporter:
        exporter.export([*spans])


def left(path: Path) -> list[Any]:
    """The attributes `k` of the points that are left."""
    return [k for (k,) in read(path, "SELECT attributes ->> 'k' FROM metric_points ORDER BY 1")]


def test_the_points_of_a_session_go(path: Path) -> None:
    write(
        path,
        *(make_point(minute, session_id=session, k=session) for session in ("s-one", "s-two") for minute in (1, 2)),
    )
    write(path, make_point(1, k="filtered", exemplars=traced(5, session_id="s-one", other=1)))
    write(path, make_point(1, k="other", exemplars=traced(5, session_id="s-two")))
    plan = plan_deletion(resolve_settings(path), DeletionRule(sessions=("s-one",)))
    assert (plan.chosen.series, plan.chosen.points, plan.chosen.exemplars, plan.missing) == (1, 2, 1, ())
    report = delete(path, sessions=("s-one",))
    assert (report.removed.points, report.removed.others, report.missing) == (2, 1, ())
    assert left(path) == ["filtered", "other", "s-two", "s-two"]
    assert read(path, "SELECT count(*) FROM exemplars") == [(1,)]
    assert run("delete", path, "--verify", "s-one")[0] == 0
    assert read(path, "SELECT points, others, is_complete FROM deletions") == [(2, 1, 1)]
    assert [one.name for one in delete(path, sessions=("s-one",)).missing] == ["s-one"]


def test_a_session_that_only_points_name_is_suggested(path: Path) -> None:
    write(path, make_point(1, session_id="session-17"))
    ((missing,),) = [plan_deletion(resolve_settings(path), DeletionRule(sessions=("session-1",))).missing]
    assert missing.similar == "session-17"


def test_the_points_of_a_user_go(path: Path) -> None:
    export(
        path, [aged_span("one", 1, session="hers", attributes={"user.id": "ada"}), aged_span("two", 1, session="his")]
    )
    write(
        path,
        make_point(1, k="named", user_id="ada"),
        make_point(1, k="weaker", user_id="bob", enduser_id="ada"),
        make_point(1, k="resource", resource={"service.name": "shop", "user.id": "ada"}),
        make_point(1, k="session", session_id="hers"),
        make_point(1, k="his session", session_id="his"),
        make_point(1, k="another attribute", pet="ada"),
        make_point(1, k="filtered", exemplars=traced(5, user_id="ada")),
        make_point(1, k="pet", exemplars=traced(5, pet="ada")),
    )
    report = delete(path, users=("ada",))
    assert left(path) == ["another attribute", "filtered", "his session", "pet"]
    assert (report.removed.points, report.removed.others) == (4, 1)
    assert read(path, "SELECT attributes FROM exemplars") == [('{"pet":"ada"}',)]


def test_the_points_of_a_service_go(path: Path) -> None:
    write(path, make_point(1, k=1), make_point(1, k=2, resource={"service.name": "mail"}))
    assert delete(path, services=("mail",)).removed.points == 1
    assert left(path) == [1]
    assert read(path, "SELECT count(*) FROM _resources") == [(1,)]


def test_the_points_of_a_time_go(path: Path) -> None:
    write(path, *(make_point(minute, k=minute, exemplars=traced(minute)) for minute in range(10)))
    since, until = NOW_NS - 6 * _MINUTE_NS, NOW_NS - 3 * _MINUTE_NS
    assert delete(path, since=since, until=until).removed.points == 3
    assert left(path) == [0, 1, 2, 3, 7, 8, 9]
    assert read(path, "SELECT count(*) FROM exemplars") == [(7,)]
    assert delete(path, until=until).removed.points == 3
    assert left(path) == [0, 1, 2, 3]


def test_a_point_of_the_last_time_goes_with_its_session(path: Path) -> None:
    write(path, make_point(1, session_id="a session", k=1)._replace(time=2**63 - 1))
    assert delete(path, sessions=("a session",)).removed.points == 1


def test_the_exemplars_of_a_trace_go(path: Path) -> None:
    span = aged_span("one", 1)
    assert span.context is not None
    export(path, [span])
    write(path, make_point(1, exemplars=traced(span.context.trace_id)), make_point(2, exemplars=traced(9)))
    write(path, make_point(3, exemplars=traced(8)))
    for trace in (span.context.trace_id, 9):
        report = delete(path, traces=(f"{trace:032x}",))
        assert (report.removed.points, report.removed.others, report.missing) == (0, 1, ())
        assert run("delete", path, "--verify", f"{trace:032x}")[0] == 0
    assert read(path, "SELECT trace_id FROM exemplars") == [(f"{8:032x}",)]
    assert len(read(path, "SELECT * FROM metric_points")) == 3


def test_exemplars_of_traces_that_go_with_a_session_go(path: Path) -> None:
    spans = [aged_span("one", 1, session="s"), aged_span("two", 1, session="t")]
    export(path, spans)
    write(
        path,
        *(
            make_point(number, exemplars=traced(span.context.trace_id))
            for number, span in enumerate(spans)
            if span.context
        ),
    )
    delete(path, sessions=("s",))
    assert len(read(path, "SELECT * FROM exemplars")) == 1
    delete(path, filter="name:two")
    assert read(path, "SELECT count(*) FROM exemplars") == [(0,)]
    assert len(read(path, "SELECT * FROM metric_points")) == 2


def test_options_of_different_kinds_narrow_each_other(path: Path) -> None:
    for service in ("shop", "mail"):
        for session in ("s", "t"):
            resource = {"service.name": service}
            write(
                path,
                *(
                    make_point(minute, session_id=session, k=f"{service} {session} {minute}", resource=resource)
                    for minute in (1, 9)
                ),
            )
    delete(path, sessions=("s",), services=("mail",))
    assert len(left(path)) == 6
    delete(path, sessions=("s",), until=NOW_NS - 5 * _MINUTE_NS)
    assert left(path) == ["mail t 1", "mail t 9", "shop s 1", "shop t 1", "shop t 9"]
    assert delete(path, sessions=("t",), traces=("0" * 31 + "1",)).removed.points == 0


def test_names_of_what_is_gone_are_overwritten(path: Path) -> None:
    secret = InstrumentFields("secret.of.ada", "described by ada", "ada-units", HISTOGRAM, DELTA)
    hers = encode(
        make_point(minute, instrument=secret, user_id="ada", k=k, exemplars=traced(5, note="ada was here"))
        for minute in range(300)
        for k in range(4)
    )
    batches = [hers[first : first + 4] for first in range(0, len(hers), 4)]  # some of which are sorted in
    write_batches(path, [*batches, encode([make_point(1, k="rest")])])
    texts = ("secret.of.ada", "described by ada", "ada-units", "ada was here", '"user.id":"ada"')
    looks = [option for text in texts for option in ("--verify", text)]
    assert run("delete", path, *looks)[0] == ATTENTION
    code, said, _ = run("delete", path, "--user", "ada", "--yes", *looks, "--json")
    assert (code, json.loads(said)["verification"]["left"]) == (0, [])
    assert left(path) == ["rest"]
    for text in texts:
        assert text.encode() not in path.read_bytes()


def test_the_command_tells_of_points(path: Path) -> None:
    write(
        path,
        make_point(1, session_id="session-1", exemplars=traced(5)),
        make_point(2, k=2, exemplars=traced(5, session_id="session-1")),
    )
    _, told, _ = run("delete", path, "--session", "session-1", "--dry-run")
    assert "  1 data point of 1 series, 1 exemplar of others\n" in told
    plan = json.loads(run("delete", path, "--session", "session-1", "--dry-run", "--json")[1])
    assert (plan["points"], plan["series"], plan["exemplars"]) == (1, 1, 1)
    _, told, _ = run("delete", path, "--session", "session-1", "--yes")
    assert "1 data point and 1 other row; gone are" in told


@settings(max_examples=15)
@given(data=st.data())
def test_the_rest_is_as_if_it_alone_had_come(data: st.DataObject) -> None:
    names = st.sampled_from([None, "A", "B"])
    points = [
        (
            data.draw(st.integers(0, 20)),
            {"session.id": data.draw(names), "user.id": data.draw(names)},
            data.draw(st.sampled_from(["one", "two"])),
        )
        for _ in range(data.draw(st.integers(1, 20)))
    ]
    rule = DeletionRule(
        sessions=data.draw(st.sampled_from([(), ("A",), ("A", "B")])),
        users=data.draw(st.sampled_from([(), ("A",)])),
        services=data.draw(st.sampled_from([(), ("one",)])),
        since=data.draw(st.sampled_from([None, NOW_NS - 15 * _MINUTE_NS])),
        until=data.draw(st.sampled_from([None, NOW_NS - 5 * _MINUTE_NS])),
    )

    def is_chosen(minute: int, named: dict[str, str | None], service: str) -> bool:
        time = NOW_NS - minute * _MINUTE_NS
        return (
            rule.has_selectors
            and (not rule.sessions or named["session.id"] in rule.sessions)
            and (not rule.users or named["user.id"] in rule.users)
            and (not rule.services or service in rule.services)
            and (rule.since is None or time >= rule.since)
            and (rule.until is None or time < rule.until)
        )

    def make(chosen: Iterable[tuple[int, dict[str, str | None], str]]) -> list[Any]:
        return encode(
            make_point(minute, resource={"service.name": service}, exemplars=traced(minute))._replace(
                attributes={name: value for name, value in named.items() if value is not None}
            )
            for minute, named, service in chosen
        )

    with TemporaryDirectory() as folder:
        path, other = Path(folder, "otel.db"), Path(folder, "other.db")
        open_file(resolve_settings(other)).close()
        write_batches(path, [make(points)])
        write_batches(other, [make(point for point in points if not is_chosen(*point))])
        if rule.has_selectors:
            delete_records(resolve_settings(path), rule)
        check(path)
        assert read_metrics(path) == read_metrics(other)


@pytest.mark.parametrize("seed", range(1))
def test_a_deletion_that_is_killed_is_completed_by_the_next(path: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    write_batches(
        path,
        [
            encode(make_point(minute, session_id=f"session {k % 3}", k=k, exemplars=traced(k + 1)) for k in range(60))
            for minute in range(100)
        ],
    )
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    delete(other, sessions=("session 1",))
    program = "from tests.integration.test_metric_deletion import *; delete(Path(sys.argv[1]), sessions=('session 1',))"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT, env=clean_environment())
        while process.poll() is None and not read(path, "SELECT 1 FROM _deletion_names WHERE kind = 0"):
            time.sleep(0.002)
        time.sleep(chance.random() / 20)
        process.kill()
        process.wait()
    delete(path, sessions=("session 2",))
    delete(other, sessions=("session 2",))
    assert read_metrics(path) == read_metrics(other)
    assert read(path, "SELECT (SELECT count(*) FROM _deletion_series) + (SELECT count(*) FROM _deletion_names)") == [
        (0,)
    ]
