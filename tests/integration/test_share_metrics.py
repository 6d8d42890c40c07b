# SPDX-License-Identifier: Apache-2.0
"""`share` of a session whose metrics are recorded: what is masked stands in no format of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    GAUGE,
    SUM,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.sharing.shared_metrics import MOST_SERIES
from tests.api_server import asking
from tests.commands import run
from tests.conftest import read
from tests.html_reader import HtmlReader
from tests.metric_strategies import points as drawn_points
from tests.new_files import put_new_file
from tests.sample_points import MINUTE_NS, RESOURCE, SCOPE, encode_points, make_points, write_points
from tests.sample_traces import NOON_NS

SECRET, KEY, OWNER = "mellon-4711", "key-9f8e7d6c", "ada.lovelace"
FORMS = ("html", "markdown", "otlp")
MASKS = ("--redact-keys", "*owner", "--redact-keys", "user.id", "--redact-keys", "api_key")
OTHER_TRACE = 99
MINUTES = 3


def share(path: Path, *options: str, form: str = "html", id: str = "chat-17") -> tuple[str, str]:
    """What is handed on, and what stderr says."""
    code, output, told = run("share", id, path, "--format", form, *options)
    assert code == 0, told
    return output, told


def write_chat(path: Path) -> int:
    """A trace of the session, and its id."""
    provider = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    span = provider.get_tracer("desk").start_span("answer", attributes={"session.id": "chat-17", "user.id": OWNER})
    span.end()
    provider.shutdown()
    return span.get_span_context().trace_id


def make_private(trace_id: int) -> Iterator[PointFields]:
    """Points whose secrets stand in every place that a point has."""
    resource = ResourceFields({"service.name": "desk", "host.owner": OWNER, "note": f"of {SECRET}"}, f"https://{OWNER}")
    scope = ScopeFields(f"meters {SECRET}", f"1 {OWNER}", f"https://{KEY}", {"scope.owner": OWNER, "api_key": KEY})
    metadata = {"meta.owner": OWNER, "by": SECRET}
    for kind, temporality, is_monotonic in ((SUM, CUMULATIVE, True), (GAUGE, None, None)):
        described = f"{kind} of {OWNER} and {SECRET}"
        named = f"desk.{kind}.{SECRET}"
        instrument = InstrumentFields(named, described, f"{{{OWNER}}}", kind, temporality, is_monotonic, metadata)
        for minute in range(1, MINUTES + 1):
            time = NOON_NS + minute * MINUTE_NS
            exemplars = [
                ExemplarFields(minute, time - 1, one, 7, {"exemplar.owner": OWNER, "said": f'{{"api_key": "{KEY}"}}'})
                for one in (trace_id, 0, OTHER_TRACE)
            ]
            attributes = {"session.id": "chat-17", "user.id": OWNER, "api_key": KEY, "text": f"to {OWNER}: {SECRET}"}
            shared = (NOON_NS, time, 0, 10 * minute, None, exemplars, resource, scope)
            yield PointFields(instrument, attributes, *shared)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    path = tmp_path_factory.mktemp("private") / "otel.db"
    trace_id = write_chat(path)
    write_points(path, encode_points(make_private(trace_id)))
    return path, trace_id


@pytest.mark.parametrize("form", FORMS)
def test_metrics_are_shared_whole_unless_something_is_to_be_masked(private: tuple[Path, int], form: str) -> None:
    output, told = share(private[0], form=form)
    shown = output.replace("\\", "") if form == "markdown" else output
    assert [text for text in (SECRET, KEY, OWNER) if text not in shown] == []
    assert told.splitlines() == [
        "shared 1 span, 0 log records, 6 data points",
        "masked: 6 content and other values that are left out: exemplars of other traces (6)",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_masked_stands_nowhere_in_metrics(private: tuple[Path, int], form: str) -> None:
    output, told = share(private[0], *MASKS, "--redact-values", "mellon-[0-9]+", form=form)
    shown = output.replace("\\", "") + told
    assert [text for text in (SECRET, KEY, OWNER) if text in shown] == []
    assert "desk.sum.[redacted]" in shown
    assert "api_key (" in told
    assert "host.owner (" in told
    assert "exemplar.owner (" in told
    assert re.search(r"repeat such a value: .*metric\.description \(", told)
    assert re.search(r"a pattern matches: .*metric\.name \(", told)


@pytest.mark.parametrize("form", FORMS)
def test_metadata_alone_has_no_description_and_no_own_texts(private: tuple[Path, int], form: str) -> None:
    path = private[0]
    output, told = share(path, "--metadata-only", "--redact-values", "mellon-[0-9]+", form=form)
    assert [
        text
        for text in (f"to {OWNER}", "api_key: ", '"api_key"', f"and {SECRET}", f"of {SECRET}", '"said"')
        if text in output
    ] == []
    assert "metric.description (2)" in told
    exported = run("export", path, "--metadata-only", "--signal", "metrics", "--redact-keys", "user.*")[1]
    assert [text for text in (f"to {OWNER}", '"said"', "api_key", '"note"') if text in exported] == []
    assert "asInt" in exported


def test_exemplars_are_shared_as_far_as_their_traces(private: tuple[Path, int], tmp_path: Path) -> None:
    path, trace_id = private
    lines, copy = tmp_path / "shared.jsonl", tmp_path / "copy.db"
    share(path, "--output", str(lines), form="otlp")
    assert run("import", lines, "--into", copy)[0] == 0
    found = {(exemplar.trace_id, exemplar.value) for exemplar in TelemetryDatabase(copy).find_exemplars()}
    assert found == {(one, minute) for one in (f"{trace_id:032x}", None) for minute in (1, 2, 3)}
    lines.unlink()
    share(path, "--output", str(lines), form="otlp", id=f"{trace_id:032x}")
    assert "resourceMetrics" not in lines.read_text()


def test_a_shared_session_has_the_points_of_its_series_alone(tmp_path: Path) -> None:
    path, lines, copy = tmp_path / "otel.db", tmp_path / "shared.jsonl", tmp_path / "copy.db"
    write_chat(path)
    of_session = encode_points(make_points(MINUTES))
    elsewhere = ResourceFields({"service.name": "shop", "session.id": "chat-18"})
    of_others = [point._replace(resource=elsewhere) for point in make_points(MINUTES)]
    write_points(path, [*of_session, *encode_points(iter(of_others))])
    _, told = share(path, "--output", str(lines), form="otlp")
    assert f"{len(of_session)} data points" in told
    assert run("import", lines, "--into", copy)[0] == 0
    asked = "SELECT name, attributes, time, value, count, sum, delta FROM metric_points"
    of_file = f"{asked} WHERE session_id = 'chat-17' ORDER BY name, attributes, time"
    assert read(copy, f"{asked} ORDER BY name, attributes, time") == read(path, of_file)


FACTS = {
    "shop.requests": ("user.id: ada", "9 request in all"),
    "http.server.request.duration": ("http.route: /look", "6 measured · 2.25 s in all"),
    "gen_ai.client.token.usage": ("gen_ai.token.type: input", "3 measured · 126 token in all"),
    "shop.heap": ("", "1 MB at last"),
    "shop.open": ("", "5 cart at last"),
    "shop.sizes": ("", "12 measured · 45 bytes in all"),
    "shop.waits": ("", "3 measured · 1.5 s in all"),
}


@pytest.mark.parametrize("has_spans", [True, False])
def test_the_page_and_markdown_tell_each_metric_and_what_it_counted(tmp_path: Path, has_spans: bool) -> None:
    path = tmp_path / "otel.db"
    write_points(path, encode_points(make_points(MINUTES)))
    if has_spans:
        write_chat(path)
    page, markdown = share(path)[0], share(path, form="markdown")[0].replace("\\", "")
    assert "<h1>Session chat-17</h1>" in page
    assert markdown.startswith("# Session chat-17\n")
    for name, (attributes, value) in FACTS.items():
        assert f"<h3>{name}</h3>" in page
        assert f"<td>{value}</td><td>2026-01-31T12:01:00.000000Z</td><td>2026-01-31T12:03:00.000000Z</td>" in page
        assert f"### {name}\n" in markdown
        assert f"| {value} | 2026-01-31T12:01:00.000000Z | 2026-01-31T12:03:00.000000Z |" in markdown
        assert attributes in page
        assert attributes in markdown
    assert "sum, cumulative, in {request}" in page
    otlp = share(path, form="otlp", id="chat-1")[0]
    assert otlp.count('"resourceMetrics"') == 1
    with asking(path) as client:
        answer = client.ask("/sessions/chat-17/share", format="markdown")
        assert answer.text.replace("\\", "") == markdown


@pytest.mark.parametrize("has_spans", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_session_whose_id_is_masked_keeps_its_metrics(tmp_path: Path, form: str, has_spans: bool) -> None:
    path, lines, copy = tmp_path / "otel.db", tmp_path / "shared", tmp_path / "copy.db"
    if has_spans:
        write_chat(path)
    write_points(path, encode_points(make_points(1)))
    share(path, "--redact-keys", "session.id", "--output", str(lines), form=form)
    text = lines.read_text()
    assert "chat-17" not in text
    assert "redacted-" in text
    if form == "otlp":
        assert run("import", lines, "--into", copy)[0] == 0
        names = read(copy, "SELECT DISTINCT session_id FROM metric_points")
        assert len(names) == 1
        assert names[0][0].startswith("redacted-")
        assert len(TelemetryDatabase(copy).find_sessions()) == has_spans


def test_series_that_masking_makes_alike_stay_apart(tmp_path: Path) -> None:
    path, lines, copy = tmp_path / "otel.db", tmp_path / "shared.jsonl", tmp_path / "copy.db"
    made = [
        point._replace(attributes={**point.attributes, "user.id": f"user {number}"})
        for number in range(3)
        for point in make_points(MINUTES)
    ]
    write_points(path, encode_points(iter(made)))
    for command in (("share", "chat-17", "--format", "otlp"), ("export",)):
        for masks in (("--redact-keys", "user.id"), ("--metadata-only", "--redact-keys", "user.*")):
            lines.unlink(missing_ok=True)
            copy.unlink(missing_ok=True)
            code, _, told = run(*command, path, *masks, "--output", lines)
            assert code == 0, told
            assert run("import", lines, "--into", copy)[0] == 0
            asked = "SELECT name, time, value, count, sum, delta FROM metric_points ORDER BY 1, 2, 3, 4, 5, 6"
            assert read(copy, asked) == read(path, asked)
            assert "user 1" not in lines.read_text()


HOSTILE = "<script>alert(1)</script> | [a](javascript:alert(1)) `x` \x1b[31m \u202eevil\n# head"


def test_hostile_texts_of_metrics_are_shown_and_do_nothing(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    instrument = InstrumentFields(HOSTILE, HOSTILE, HOSTILE, GAUGE)
    attributes = {"session.id": "chat-17", HOSTILE: HOSTILE}
    time = NOON_NS + MINUTE_NS
    write_points(
        path, encode_points(iter([PointFields(instrument, attributes, None, time, 0, 1, None, (), RESOURCE, SCOPE)]))
    )
    page, markdown = share(path)[0], share(path, form="markdown")[0]
    tags = HtmlReader(page.removeprefix("<!doctype html>")).tags
    assert {name for name, _ in tags}.isdisjoint(("script", "link", "iframe", "object", "form"))
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    outside = re.sub(r"^(`{3,})\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<script>" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)
    assert not re.search(r"^# head", outside, re.MULTILINE)
    assert [text for text in ("\x1b", "\u202e") if text in outside] == []
    (row,) = re.findall(r"^\| .*at last.*$", markdown, re.MULTILINE)
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_many_series_are_cut_and_told_but_all_are_in_otlp(tmp_path: Path) -> None:
    path, number = tmp_path / "otel.db", MOST_SERIES + 2
    instrument = InstrumentFields("many", "", "", GAUGE)
    made = [
        PointFields(instrument, {"n": n}, None, NOON_NS + n, 0, n, None, (), RESOURCE, SCOPE) for n in range(number)
    ]
    write_points(path, encode_points(iter(made)))
    for form in ("html", "markdown"):
        assert f"The first {MOST_SERIES} of {number} series." in share(path, form=form)[0]
    assert share(path, form="otlp")[0].count('"timeUnixNano"') == number


def test_a_bound_on_new_series_does_not_cut_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "otel.db"
    write_points(path, encode_points(make_points(1)))
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_METRIC_NEW_SERIES", "1")
    assert [name for name in FACTS if f"<h3>{name}</h3>" not in share(path)[0]] == []


@given(points=drawn_points)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_point_is_shared_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, points: list[PointFields]
) -> None:
    path = tmp_path_factory.mktemp("any") / "otel.db"
    named = [point._replace(attributes={**point.attributes, "session.id": "chat-17"}) for point in points]
    write_points(path, encode_points(iter(named)))
    (stored,) = read(path, "SELECT count(*) FROM metric_points")
    for form in FORMS:
        output, told = share(path, "--redact-keys", "a*", form=form)
        assert f"{stored[0]:,} data point" in told
        if form == "otlp":
            assert {key for line in output.rstrip("\n").split("\n") for key in json.loads(line)} == {"resourceMetrics"}
