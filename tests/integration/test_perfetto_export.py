# SPDX-License-Identifier: Apache-2.0
"""`export --format perfetto`, read as Perfetto reads it. Its own trace processor is a program that is downloaded, so
`tests/perfetto_reader` stands in for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode, set_span_in_context

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor, TelemetryDatabase
from otel_sqlite_exporter.query.exports import perfetto_export
from otel_sqlite_exporter.query.exports.perfetto_export import read_perfetto
from otel_sqlite_exporter.query.reading import TelemetryFile
from tests.commands import run_here
from tests.integration.test_hostile_text import HOSTILE, write_hostile
from tests.perfetto_reader import Slice, read_slices
from tests.sample_traces import MS, NOON_NS, write_traces


def export(path: Path, *, trace_id: str | None = None, session_id: str | None = None) -> list[Slice]:
    pieces = read_perfetto(TelemetryFile(str(path), 5_000), trace_id=trace_id, session_id=session_id)
    return read_slices(b"".join(piece.content for piece in pieces))


def check_nesting(slices: list[Slice]) -> None:
    """What stands below another slice is its child, and lies within it."""
    for one in slices:
        if one.above is not None:
            assert one.arguments["parent_span_id"] == one.above.arguments["span_id"]
            assert one.process == one.above.process
            assert one.above.end is None or (one.end is not None and one.end <= one.above.end)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("perfetto") / "otel.db")


def test_a_trace_has_its_spans_in_lanes(sample: Path) -> None:
    trace = TelemetryDatabase(sample).find_traces(newest_first=False)[0]
    slices = export(sample, trace_id=trace.trace_id[:12])
    check_nesting(slices)
    assert [(one.name, one.lane, one.category, (one.start - NOON_NS) // MS) for one in slices] == [
        ("POST /chat", "lane 001", "internal", 0),
        ("invoke_agent planner", "lane 001", "internal", 1),
        ("chat gpt-4.1", "lane 001", "call", 2),
        ("execute_tool search", "lane 001", "tool", 42),
        ("chat claude-haiku-4-5", "lane 001", "call", 102),
    ]
    assert {one.process for one in slices} == {"support"}
    call = slices[2]
    assert call.end == NOON_NS + 52 * MS
    assert call.above is slices[1]
    assert call.arguments["gen_ai.usage.input_tokens"] == 100
    assert call.arguments["gen_ai.request.model"] == "gpt-4.1"
    assert (call.arguments["status"], call.arguments["app.is_first"]) == ("ok", True)
    assert [(name, at - NOON_NS, told) for at, name, told in call.instants] == [
        ("llm.stream.start", 12 * MS, {"chunk": 1}),
        ("llm.stream.finish", 32 * MS, {"chunks": 0}),
    ]
    assert slices[3].arguments["gen_ai.tool.name"] == "search"


def test_a_session_has_all_of_its_traces(sample: Path) -> None:
    slices = export(sample, session_id="session-1")
    check_nesting(slices)
    assert len(slices) == 20
    assert Counter(one.process for one in slices) == {"orders": 10, "support": 10}
    assert len({one.arguments["trace_id"] for one in slices}) == 4
    failed = [one.arguments for one in slices if one.arguments["status"] == "error"]
    assert [(one["error.type"], one["status_description"]) for one in failed] == [
        ("RateLimitError", "too many requests")
    ]


def make_provider(path: Path, service: str = "tests") -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    return provider


_trees = st.lists(
    st.tuples(st.integers(-1, 20), st.integers(0, 30), st.integers(0, 30), st.sampled_from("ab")),
    min_size=1,
    max_size=25,
)


@pytest.mark.slow
@settings(max_examples=15)
@given(_trees)
def test_any_tree_nests(tree: list[tuple[int, int, int, str]]) -> None:
    """Spans that overlap, outlive their parent, or begin with it, in two services."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        providers = {service: make_provider(path, service) for service in "ab"}
        spans: list[Any] = []
        times: dict[str, tuple[int, int]] = {}
        for number, (parent, start, length, service) in enumerate(tree):
            above = spans[parent % number] if number and parent >= 0 else spans[0] if number else None
            context = None if above is None else set_span_in_context(above)
            tracer = providers[service].get_tracer("tests")
            span = tracer.start_span(str(number), context, start_time=NOON_NS + start)
            spans.append(span)
            times[str(number)] = (NOON_NS + start, NOON_NS + start + length)
        for number, span in enumerate(spans):
            span.end(times[str(number)][1])
        for provider in providers.values():
            provider.shutdown()
        slices = export(path, trace_id=f"{spans[0].context.trace_id:032x}")
    check_nesting(slices)
    assert {one.name: (one.start, one.end) for one in slices} == times
    assert len(slices) == len(times)


def test_overlapping_siblings_have_lanes_of_their_own(path: Path) -> None:
    provider = make_provider(path)
    tracer = provider.get_tracer("tests")
    root = tracer.start_span("root", start_time=NOON_NS)
    for number in range(3):
        sibling = tracer.start_span(f"tool {number}", set_span_in_context(root), start_time=NOON_NS + number)
        tracer.start_span("inner", set_span_in_context(sibling), start_time=NOON_NS + 5 + number).end(NOON_NS + 50)
        sibling.end(NOON_NS + 100)
    root.end(NOON_NS + 200)
    provider.shutdown()
    slices = export(path, trace_id=f"{root.get_span_context().trace_id:032x}")
    check_nesting(slices)
    assert [(one.name, one.lane) for one in slices] == [
        *(("root", "lane 001"), ("tool 0", "lane 001"), ("tool 1", "lane 002"), ("tool 2", "lane 003")),
        *(("inner", "lane 001"), ("inner", "lane 002"), ("inner", "lane 003")),
    ]


def test_what_runs_has_no_end(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    processor = SQLiteSpanProcessor(path, open_delay_ms=0)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    root = tracer.start_span("root")
    child = tracer.start_span("child", set_span_in_context(root))
    tracer.start_span("done", set_span_in_context(child)).end()
    processor.force_flush()
    slices = export(path, trace_id=f"{root.get_span_context().trace_id:032x}")
    check_nesting(slices)
    assert [(one.name, one.end is None, one.arguments["status"], one.lane) for one in slices] == [
        *(("root", True, "running", "lane 001"), ("child", True, "running", "lane 001")),
        ("done", False, "ok", "lane 001"),
    ]
    child.end()
    root.end()
    provider.shutdown()


def test_links_are_arrows(path: Path) -> None:
    provider = make_provider(path)
    tracer = provider.get_tracer("tests")
    root = tracer.start_span("root", start_time=NOON_NS)
    inside = set_span_in_context(root)
    first, second = (tracer.start_span(name, inside, start_time=NOON_NS + 1) for name in ("first", "second"))
    links = [Link(first.get_span_context()), Link(second.get_span_context())]
    joined = tracer.start_span("joined", inside, links=links, start_time=NOON_NS + 9)
    for span in (first, second, joined, root):
        span.end(NOON_NS + 10)
    provider.shutdown()
    flows = {one.name: {*one.flows} for one in export(path, trace_id=f"{root.get_span_context().trace_id:032x}")}
    assert flows["first"] | flows["second"] == flows["joined"]
    assert (len(flows["first"]), len(flows["second"]), len(flows["joined"]), len(flows["root"])) == (1, 1, 2, 0)


def test_hostile_names_are_exact(path: Path) -> None:
    write_hostile(path)
    session = TelemetryDatabase(path).find_sessions()[0].session_id
    slices = export(path, session_id=session)
    check_nesting(slices)
    assert {one.name for one in slices} == {f"{name}{HOSTILE}" for name in ("root", "chat", "execute_tool")}
    assert {one.process for one in slices} == {f"service{HOSTILE}"}
    (call,) = (one for one in slices if one.category == "call")
    assert call.arguments["gen_ai.request.model"] == HOSTILE
    assert call.arguments["session_id"] == session
    assert call.instants[0][1:] == (f"event{HOSTILE}", {HOSTILE: HOSTILE})


def test_long_texts_and_many_attributes_are_left_out(path: Path) -> None:
    provider = make_provider(path)
    attributes: dict[str, Any] = {"long": "x" * 201, "fits": "x" * 200, "list": [1, 2], "huge": 2**63 - 1}
    span = provider.get_tracer("tests").start_span("one", attributes=attributes | {f"n{n}": n for n in range(60)})
    span.set_status(Status(StatusCode.ERROR, "y" * 5_000))
    span.end()
    provider.shutdown()
    (one,) = export(path, trace_id=f"{span.get_span_context().trace_id:032x}")
    assert one.arguments.keys().isdisjoint(("long", "list"))
    assert (one.arguments["fits"], one.arguments["huge"]) == ("x" * 200, 2**63 - 1)
    assert len(one.arguments) == 32 + 5
    assert one.arguments["status_description"] == "y" * 1_000


def test_a_large_trace_goes_without_attributes(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perfetto_export, "MOST_WITH_ATTRIBUTES", 4)
    trace = TelemetryDatabase(sample).find_traces(newest_first=False)[0]
    slices = export(sample, trace_id=trace.trace_id)
    assert "app.is_first" not in slices[2].arguments
    assert slices[2].arguments["gen_ai.usage.input_tokens"] == 100
    assert slices[2].instants[0][1:] == ("llm.stream.start", {})


def test_pages_and_a_crowd_at_one_time_change_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = make_provider(path)
    tracer = provider.get_tracer("tests")
    root = tracer.start_span("root", start_time=NOON_NS)
    inside = set_span_in_context(root)
    for number in range(40):
        tracer.start_span(f"{number}", inside, start_time=NOON_NS + number // 10).end(NOON_NS + 10 + number)
    root.end(NOON_NS + 1_000)
    provider.shutdown()
    trace_id = f"{root.get_span_context().trace_id:032x}"
    whole = {(one.name, one.start, one.end) for one in export(path, trace_id=trace_id)}
    for page, crowd in ((7, 1_000), (512, 3), (3, 4)):
        monkeypatch.setattr(perfetto_export, "PAGE", page)
        monkeypatch.setattr(perfetto_export, "_MOST_AT_ONCE", crowd)
        slices = export(path, trace_id=trace_id)
        check_nesting(slices)
        assert {(one.name, one.start, one.end) for one in slices} == whole
        assert len(slices) == 41


def test_the_command_writes_it(sample: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.perfetto-trace"
    done = run_here("export", sample, "--format", "perfetto", "--session", "session-1", "--output", output)
    assert (done.exit_code, done.stderr) == (0, "exported 20 spans, 0 log records\n")
    assert len(read_slices(output.read_bytes())) == 20
    both = run_here("export", sample, "--format", "perfetto")
    assert both.exit_code == 2
    assert "is of one trace or one session" in both.stderr
    for option in (("--since", "2d"), ("--signal", "traces")):
        refused = run_here("export", sample, "--format", "perfetto", "--session", "session-1", *option)
        assert refused.exit_code == 2
        assert f"Error: {option[0]}: " in refused.stderr
    missing = run_here("export", sample, "--format", "perfetto", "--trace", "fff")
    assert missing.exit_code == 2


def test_it_is_redacted_as_other_exports_are(sample: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.perfetto-trace"
    options = ("--redact-keys", "gen_ai.request.model", "--redact-values", "chat", "--no-content")
    done = run_here("export", sample, "--format", "perfetto", "--session", "session-1", "--output", output, *options)
    assert done.exit_code == 0
    slices = read_slices(output.read_bytes())
    calls = [one for one in slices if one.category == "call"]
    assert {one.arguments["gen_ai.request.model"] for one in calls} == {"[redacted]"}
    assert not any("chat" in one.name for one in slices)
    assert all("gen_ai.input.messages" not in one.arguments for one in slices)
    assert {one.process for one in slices} == {"orders", "support"}
