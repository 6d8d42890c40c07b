# SPDX-License-Identifier: Apache-2.0
"""What only the API asks a file: skeletons of traces, facets, services, agents, and whether the file has changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.query.aggregates import facets as facets_module
from otel_sqlite_exporter.query.aggregates.agent_list import read_agent_page
from otel_sqlite_exporter.query.aggregates.facets import count_facets, list_facets
from otel_sqlite_exporter.query.aggregates.service_calls import ServiceCalls, read_service_calls
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, LLM_INTERACTIONS, SPANS, TRACES
from otel_sqlite_exporter.query.changes.file_state import FileState
from otel_sqlite_exporter.query.comparisons.critical_path import find_critical_path
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.skeletons.trace_skeleton import KINDS, STATUSES, TraceSkeleton, read_skeleton
from otel_sqlite_exporter.query.trees import TraceTree
from tests.api_server import asking
from tests.conftest import ROOT, clean_environment, export_all, exporting, read
from tests.sample_traces import write_traces

BEGAN = 1_769_860_800 * 10**9
SERVICES = [Resource({"service.name": name}) for name in ("shop", "stock", "pay")]


def make(
    number: int,
    parent: int | None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    service: int = 0,
    trace: int = 0xDEE,
    took: int = 500,
    failed: bool = False,
    **attributes: Any,
) -> ReadableSpan:
    return ReadableSpan(
        name=f"step {number % 3}",
        context=SpanContext(trace, number, False, TraceFlags(1)),
        parent=None if parent is None else SpanContext(trace, parent, True, TraceFlags(1)),
        attributes={name.replace("__", "."): value for name, value in attributes.items()},
        start_time=BEGAN + number % 5,
        end_time=BEGAN + number % 5 + took,
        resource=SERVICES[service],
        kind=kind,
        status=Status(StatusCode.ERROR) if failed else Status(),
    )


def open_file(path: Path) -> TelemetryFile:
    return TelemetryFile(str(path), 5_000)


def check_skeleton(skeleton: TraceSkeleton, tree: TraceTree) -> None:
    """A skeleton has the spans of the tree, in its order, and its calls and tools."""
    texts, spans = skeleton.texts, skeleton.spans
    at = {node.span.id: place for place, node in enumerate(tree)}
    parents = {child.span.id: node.span.id for node in tree for child in node.children}
    waited = find_critical_path(tree)
    for place, node in enumerate(tree):
        span = node.span
        assert [spans[name][place] for name in ("id", "span_id", "depth")] == [span.id, span.span_id, node.depth]
        assert texts["name"][spans["name"][place]] == span.name
        assert texts["service"][spans["service"][place]] == span.service_name
        assert KINDS[spans["kind"][place]] == span.kind
        assert STATUSES[spans["status"][place]] == span.status
        assert spans["start_ns"][place] + skeleton.start_time_unix_nano == span.start_time_unix_nano
        assert spans["critical_ns"][place] == waited.get(span.id)
        parent = spans["parent"][place]
        assert parent == (at[parents[span.id]] if span.id in parents else None)
    for kind, records in (("llm", skeleton.llm_interactions), ("tool", skeleton.tool_interactions)):
        expected = [(at[node.span.id], one.id) for node in tree for one in getattr(node, f"{kind}_interactions")]
        assert sorted(zip(records["span"], records["id"], strict=True)) == sorted(expected)
    orphans = [node.span for node in tree.roots if node.span.parent_span_id]
    assert list(skeleton.missing_parents["span"]) == [at[span.id] for span in orphans]
    assert list(skeleton.missing_parents["span_id"]) == [span.parent_span_id for span in orphans]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.none() | st.integers(1, 9), st.sampled_from(list(SpanKind)), st.integers(0, 2)),
        min_size=1,
        max_size=9,
    )
)
def test_a_skeleton_has_the_order_of_the_tree(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int | None, SpanKind, int]]
) -> None:
    path = tmp_path_factory.mktemp("skeleton") / "otel.db"
    with exporting(path) as exporter:
        exporter.export([make(number, parent, kind=kind, service=service) for number, parent, kind, service in spans])
    skeleton = open_file(path).read(read_skeleton, f"{0xDEE:032x}")
    check_skeleton(skeleton, TelemetryDatabase(path).get_trace(f"{0xDEE:032x}", content=False))


def test_a_skeleton_has_calls_and_tools(path: Path) -> None:
    database = TelemetryDatabase(write_traces(path))
    for trace in database.find_traces():
        skeleton = open_file(path).read(read_skeleton, trace.trace_id)
        check_skeleton(skeleton, database.get_trace(trace.trace_id))
        tree = database.get_trace(trace.trace_id)
        calls = {call.id: call for node in tree for call in node.llm_interactions}
        records, models = skeleton.llm_interactions, skeleton.texts["llm_model"]
        assert {
            id: (models[model], tokens)
            for id, model, tokens in zip(records["id"], records["model"], records["total_tokens"], strict=True)
        } == {id: (call.model, call.total_tokens) for id, call in calls.items()}


def test_a_trace_of_log_records_alone_has_a_skeleton(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([make(1, None)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM _spans")
        connection.commit()
    skeleton = open_file(path).read(read_skeleton, f"{0xDEE:032x}")
    assert (len(skeleton), dict(skeleton.missing_parents)) == (0, {"span": [], "span_id": []})


@pytest.mark.slow
def test_a_trace_of_fifty_thousand_spans_is_one_answer(path: Path) -> None:
    with exporting(path) as exporter:
        for first in range(1, 50_001, 500):
            exporter.export([make(number, number // 7 or None) for number in range(first, first + 500)])
    with asking(path) as client:
        (trace,) = client.read("/traces")["data"]
        answer = client.ask(f"/traces/{trace['trace_id']}")
        spans = answer.json()["data"]["spans"]
        assert {len(column) for column in spans.values()} == {50_000}
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < 1_000_000
        whole = client.ask(f"/traces/{trace['trace_id']}", headers={"Accept-Encoding": "gzip;q=0, br"})
        assert "content-encoding" not in whole.headers
        assert int(whole.headers["content-length"]) == len(whole.content) < 6_000_000
        assert whole.json()["data"] == answer.json()["data"]
        assert client.http.head(f"/traces/{trace['trace_id']}").status_code == 200


def test_facets_count_what_the_list_has(path: Path) -> None:
    database = TelemetryDatabase(write_traces(path))
    found = open_file(path).read(
        count_facets, LLM_INTERACTIONS, ["model", "status", "model"], {"service_name": "orders"}, limit=2
    )
    calls = database.find_llm_interactions(service_name="orders", limit=500)
    models = Counter(call.model for call in calls)
    assert (found.rows, found.is_whole) == (len(calls), True)
    model, status = found.facets
    assert dict(model.values) == dict(sorted(models.items(), key=lambda one: (-one[1], one[0]))[:2])
    assert model.others == len(models) - 2
    assert dict(status.values) == dict(Counter(call.status for call in calls))


def test_each_list_has_facets(path: Path) -> None:
    write_traces(path)
    for view in ASKABLE_VIEWS:
        fields = list_facets(view)
        assert {"session_id", "service_name"} <= {*fields}
        found = open_file(path).read(count_facets, view, fields, {}, limit=500)
        assert [facet.field for facet in found.facets] == list(fields)
        assert all(sum(count for _, count in facet.values) == found.rows for facet in found.facets)
    assert "model" not in list_facets(TRACES)  # it is one of its calls


def test_facets_stop_at_a_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_traces(path)
    monkeypatch.setattr(facets_module, "SCANNED", 7)
    found = open_file(path).read(count_facets, SPANS, ["name"], {}, limit=500)
    assert (found.rows, found.is_whole) == (7, False)
    monkeypatch.setattr(facets_module, "_LONGEST_S", -1.0)
    monkeypatch.setattr(facets_module, "_STEPS_BETWEEN_LOOKS", 1)
    found = open_file(path).read(count_facets, SPANS, ["name"], {}, limit=500)
    assert (found.rows, found.is_whole) == (0, False)


def test_facets_use_an_index_of_an_attribute(path: Path) -> None:
    from otel_sqlite_exporter.maintain.attribute_index import index_attributes
    from otel_sqlite_exporter.settings import resolve_settings

    write_traces(path)
    index_attributes(resolve_settings(path), ["app.is_first"])
    found = open_file(path).read(
        count_facets, SPANS, ["name", "status"], {"attributes": [("app.is_first", True)]}, limit=500
    )
    assert found.rows == len(TelemetryDatabase(path).find_spans(attributes={"app.is_first": True}, limit=500)) > 0


def test_services_are_counted_across_the_line(path: Path) -> None:
    server = SpanKind.SERVER
    with exporting(path) as exporter:
        exporter.export(
            [
                make(1, None),
                make(2, 1, service=1, took=100),
                make(3, 1, service=1, took=300, failed=True),
                make(4, 2, service=2),
                make(5, 4, service=2),  # of the same service
                make(6, 99, service=1),  # its parent is not in the file
                make(7, 1, kind=SpanKind.CLIENT),
                make(7, 1, kind=server, service=2, took=700),  # both sides share an id
                make(8, 7, service=1),  # below the side that receives
                *(make(number, 1, service=1, took=number, trace=0xDAD) for number in range(2, 102)),
                make(1, None, trace=0xDAD),
            ]
        )
    found = open_file(path).read(read_service_calls)
    assert found.is_whole
    pairs = {(pair.caller, pair.callee): pair for pair in found.pairs}
    assert {key: (pair.calls, pair.errors) for key, pair in pairs.items()} == {
        ("shop", "stock"): (102, 1),
        ("stock", "pay"): (1, 0),
        ("shop", "pay"): (1, 0),
        ("pay", "stock"): (1, 0),
    }
    durations = sorted([100, 300, *range(2, 102)])
    assert pairs["shop", "stock"].p95_ms == durations[-(-len(durations) * 95 // 100) - 1] / 1e6
    assert pairs["shop", "stock"].max_ms == 300 / 1e6
    assert pairs["shop", "pay"].p95_ms == 700 / 1e6
    assert [pair.calls for pair in found.pairs] == [102, 1, 1, 1]
    few = open_file(path).read(read_service_calls, limit=1)
    assert ([type(pair) for pair in few.pairs], few.is_whole) == ([ServiceCalls], False)
    assert open_file(path).read(read_service_calls, until=BEGAN).pairs == ()


def test_agents_have_the_calls_below_them(path: Path) -> None:
    write_traces(path)
    agent: dict[str, Any] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    call: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 2,
    }
    with exporting(path) as exporter:
        below = [make(number, 2, service=number % 2, **call) for number in (3, 4, 5)]
        exporter.export([make(1, None, **agent), make(2, 1), *below])
    database = TelemetryDatabase(path)
    page = open_file(path).read(read_agent_page, limit=500)
    report = database.run_report("tokens", group_by=("service", "agent")).to_dicts()
    keys = ("calls", "input_tokens", "output_tokens", "total_tokens")
    expected = {(row["service"], row["agent"]): tuple(row[key] for key in keys) for row in report}
    found = {
        (one.service_name, one.agent_name): (one.llm_calls, one.input_tokens, one.output_tokens, one.total_tokens)
        for one in page
    }
    assert {key: numbers for key, numbers in found.items() if numbers[0]} == expected
    assert (found["shop", "helper"], found["stock", "helper"]) == ((1, 2, None, None), (2, 4, None, None))
    shown = ", ".join(("agent_id", "agent_name", "service_name", "version"))
    rows = read(path, f"SELECT {shown} FROM agents ORDER BY service_name, coalesce(agent_name, '')")
    assert {(one.agent_id, one.agent_name, one.service_name, one.version) for one in page} >= set(rows)
    failed = read(path, "SELECT count(*) FROM complete_llm_interactions WHERE counted AND status = 'error'")
    assert sum(one.failed_calls for one in page) == failed[0][0] > 0
    first = open_file(path).read(read_agent_page, limit=1)
    rest = open_file(path).read(read_agent_page, limit=500, cursor=first.cursor)
    assert [*first, *rest] == [*page]


def test_the_state_changes_with_the_contents_and_not_without(path: Path) -> None:
    state = FileState(open_file(path))
    with exporting(path) as exporter:
        export_all(exporter, "one")
        seen = {state.read()}
        for name in ("two", "three"):
            assert state.read() in seen
            export_all(exporter, name)
            assert state.read() not in seen
            seen.add(state.read())
    after = FileState(open_file(path)).read()
    assert after == FileState(open_file(path)).read()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE _spans SET name = 'other' WHERE name = 'two'")
        connection.commit()
    assert FileState(open_file(path)).read() != after
    assert state.read() != after


def test_an_old_file_is_not_opened_to_know_its_state(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
    os.utime(path, (1, 1))
    file = open_file(path)
    state = FileState(file)
    known = state.read()
    asked: list[object] = []
    monkeypatch.setattr(file, "read", lambda question: asked.append(question))
    assert state.read() == known
    assert asked == []
    os.utime(path, (2, 2))
    monkeypatch.undo()
    assert state.read() != known


def test_the_state_tells_that_the_process_of_a_running_span_is_gone(path: Path) -> None:
    program = (
        "import sys; from opentelemetry.sdk.trace import TracerProvider\n"
        "from otel_sqlite_exporter import SQLiteSpanProcessor\n"
        "provider = TracerProvider(shutdown_on_exit=False)\n"
        "provider.add_span_processor(SQLiteSpanProcessor(sys.argv[1]))\n"
        "tracer = provider.get_tracer('t'); tracer.start_span('ended').end(); provider.force_flush()\n"
        "span = tracer.start_span('runs'); provider.force_flush()\n"
        "print('ready', flush=True); sys.stdin.read(); import os; os._exit(0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not TelemetryDatabase(path).find_spans(status="running"):
            assert process.poll() is None
        state = FileState(open_file(path))
        running = state.read()
        assert state.read() == running
        skeleton = open_file(path).read(read_skeleton, TelemetryDatabase(path).find_traces()[0].trace_id)
        assert STATUSES[skeleton.spans["status"][0]] == "running"
        process.kill()
    assert TelemetryDatabase(path).find_spans()[0].status == "interrupted"
    assert state.read() != running
    skeleton = open_file(path).read(read_skeleton, TelemetryDatabase(path).find_traces()[0].trace_id)
    assert STATUSES[skeleton.spans["status"][0]] == "interrupted"
