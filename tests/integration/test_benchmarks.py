# SPDX-License-Identifier: Apache-2.0
"""Every contender of the benchmark takes all the spans that it is timed on, or its time would mean nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from otel_sqlite_exporter.query.reports import REPORTS
from tests.conftest import read

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="dependency group bench")

from benchmarks.asking import LISTS, ask
from benchmarks.latency import SERVICES, measure_latency, send_over_http, serve
from benchmarks.legacy import QUESTIONS, run_migration
from benchmarks.masking import measure_pauses
from benchmarks.million import load, time_reads
from benchmarks.openinference import openinference_spans
from benchmarks.paced import NoOpProcessor, keep_pace
from benchmarks.peers import PEERS, make_peers
from benchmarks.points import CONTENDERS as POINT_CONTENDERS
from benchmarks.points import EACH_POINT, HTTP, NEWEST, OURS, SERIES, Source, make_over_http, measure_points
from benchmarks.points import KINDS as KINDS_OF_POINTS
from benchmarks.receiver import EXPORTER, KINDS, compare_with_exporter, serve_clients
from benchmarks.recognition import CAPTURES
from benchmarks.removing import measure_removal
from benchmarks.retention import export_beside_retention, stay_at_cap
from benchmarks.rivals import CONTENDERS, Console, OverHTTP
from benchmarks.scale import run as run_scale
from benchmarks.sender import JSON, PROTOBUF
from benchmarks.services import load_services
from benchmarks.spans import Content, build_spans, trace_spans
from benchmarks.transfer import run_transfers

pytestmark = pytest.mark.slow

BATCHES, SPANS = 3, 25


@pytest.fixture
def batches() -> Iterator[list[ReadableSpan]]:
    spans = trace_spans()
    return (list(islice(spans, SPANS)) for _ in range(BATCHES))


@pytest.mark.parametrize(
    ("name", "file", "table"),
    [
        ("this exporter", "ours.db", "spans"),
        ("floor", "floor.db", "spans"),
        ("executemany, the same rows", "same_rows.db", "spans"),
        ("executemany, one table", "one_table.db", "spans"),
    ],
)
def test_a_file_holds_every_span(
    tmp_path: Path, batches: Iterator[list[ReadableSpan]], name: str, file: str, table: str
) -> None:
    contender = CONTENDERS[name](tmp_path)
    for batch in batches:
        contender.write(contender.prepare(batch))
    contender.close()
    assert read(tmp_path / file, f"SELECT count(*), count(DISTINCT span_id) FROM {table}") == [(75, 75)]


@pytest.mark.parametrize(("name", "file"), [("floor", "floor.db"), ("executemany, the same rows", "same_rows.db")])
def test_a_rival_writes_the_rows_of_the_exporter(
    tmp_path: Path, batches: Iterator[list[ReadableSpan]], name: str, file: str
) -> None:
    ours, rival = CONTENDERS["this exporter"](tmp_path), CONTENDERS[name](tmp_path)
    for batch in batches:
        ours.write(batch)
        rival.write(rival.prepare(batch))
    ours.close()
    rival.close()
    for table in ("_resources", "_scopes", "_sessions", "_traces", "_trace_sessions", "_spans", "_events"):
        query = f"SELECT * FROM {table} ORDER BY id"
        assert read(tmp_path / file, query) == read(tmp_path / "ours.db", query)
    count = "SELECT count(*) FROM _llm_interactions"
    assert read(tmp_path / file, count) == read(tmp_path / "ours.db", count) == [(75,)]


def test_the_console_prints_every_span(tmp_path: Path, batches: Iterator[list[ReadableSpan]]) -> None:
    console = Console(tmp_path / "console")
    for batch in batches:
        console.write(console.prepare(batch))
    console.close()
    assert (tmp_path / "console").read_text().count('"span_id"') == 75


def test_the_sink_receives_every_span(batches: Iterator[list[ReadableSpan]]) -> None:
    over_http = OverHTTP(count=True)
    try:
        for batch in batches:
            over_http.write(over_http.prepare(batch))
        assert over_http.received() == 75
    finally:
        over_http.close()


@pytest.mark.parametrize(
    ("name", "file", "table"), [("google-adk", "adk.db", "spans"), ("agno", "agno.db", "agno_spans")]
)
def test_the_file_of_another_package_holds_every_span(
    tmp_path: Path, batches: Iterator[list[ReadableSpan]], name: str, file: str, table: str
) -> None:
    peers = make_peers(tmp_path)
    if name not in peers:
        pytest.skip(f"{name} is not installed")
    for batch in batches:
        peers[name].write(peers[name].prepare(batch))
    for peer in peers.values():
        peer.close()
    assert read(tmp_path / file, f"SELECT count(*) FROM {table}") == [(75,)]


def test_every_span_of_a_steady_producer_arrives(tmp_path: Path) -> None:
    no_op, ours = keep_pace(tmp_path, 1_000, 0.3)
    assert (no_op.lost, ours.lost, ours.dropped) == (0, 0, 0)
    assert read(tmp_path / "paced.db", "SELECT count(*) FROM traces WHERE spans = 10") == [(30,)]


def test_a_service_is_measured_with_each_contender(tmp_path: Path) -> None:
    measured = measure_latency(tmp_path, 200, 8, 2)
    assert measured.keys() == SERVICES.keys()
    assert all(2 <= latency.p50_ms <= latency.p99_ms <= latency.worst_ms for latency in measured.values())
    assert read(tmp_path / "service.db", "SELECT spans, count(*) FROM traces GROUP BY 1") == [(10, 16)]


def test_the_spans_of_a_service_reach_the_no_op_exporter_and_the_sink() -> None:
    over_http, no_op = OverHTTP(count=True), NoOpProcessor()
    for processor in (send_over_http(over_http), no_op):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        asyncio.run(serve(provider.get_tracer("service"), Content(), 200, 3))
        provider.force_flush()
        assert (no_op.received if processor is no_op else over_http.received()) == 30
        provider.shutdown()


@pytest.mark.parametrize("spans", [trace_spans(), build_spans(10, 2_400)])
def test_spans_are_as_described(spans: Iterator[ReadableSpan]) -> None:
    taken = list(islice(spans, 200))
    assert len({span.context.trace_id for span in taken}) == 20
    for span in taken:
        attributes = dict(span.attributes or {})
        assert len(attributes) == 12
        assert all(name.startswith("gen_ai.") for name in attributes)
        assert 2_600 < sum(len(str(item)) for item in attributes.items()) < 3_400
        assert len(span.events) == 2


def test_an_openinference_call_is_converted(tmp_path: Path) -> None:
    ours = CONTENDERS["this exporter"](tmp_path)
    spans = list(islice(openinference_spans(), 20))
    assert [len(span.attributes or {}) for span in spans] == [*[27] * 9, 2] * 2
    ours.write(spans)
    ours.close()
    found = read(
        tmp_path / "ours.db",
        "SELECT count(*), sum(json_array_length(prompt)), sum(completion LIKE '%\"tool_call\"%'), count(finish_reasons)"
        " FROM complete_llm_interactions",
    )
    assert found == [(18, 72, 18, 18)]


def test_a_load_says_what_each_fifth_cost(tmp_path: Path) -> None:
    path = tmp_path / "load.db"
    loaded = load(path, 3_000, 10, 2, 100)
    assert loaded.spans == 3_072
    assert read(path, "SELECT count(*) FROM spans") == [(3_072,)]
    assert len(loaded.cpu_us_a_span) == len(loaded.peak_mib) == 5
    assert all(cost > 0 for cost in (*loaded.cpu_us_a_span, *time_reads(path, 3)))


def test_every_record_is_transferred(tmp_path: Path) -> None:
    transfers = list(run_transfers(tmp_path, 1_000, 100))
    assert {one.what for one in transfers} == {
        *("import of OTLP as JSON", "import of OTLP as protobuf", "import of an event log", "export")
    }
    assert all(one.seconds > 0 and one.peak_mib > 10 for one in transfers)
    for name, records in (("OTLP as JSON.4", 512), ("OTLP as JSON.1", 2_048), ("OTLP as protobuf.1", 2_048)):
        assert read(tmp_path / f"{name}.db", "SELECT count(*) FROM spans") == [(records,)]
    assert read(tmp_path / "events.db", "SELECT count(*) FROM logs") == [(2_048,)]
    exported = [json.loads(line) for line in (tmp_path / "exported").read_text().splitlines()]
    groups = [group for line in exported for group in line["resourceSpans"]]
    assert sum(len(scoped["spans"]) for group in groups for scoped in group["scopeSpans"]) == 2_048


@pytest.mark.parametrize(("form", "is_packed"), [(PROTOBUF, True), (JSON, False)])
def test_every_span_of_every_client_is_in_the_file(tmp_path: Path, form: str, is_packed: bool) -> None:
    folder = tmp_path / "served"
    served = serve_clients(
        folder, "calls of 1 kB", form, is_packed=is_packed, spans_a_request=30, seconds=0.3, clients=3
    )
    assert served.lost == 0
    path = folder / "served.db"
    requests, rest = divmod(served.spans, 30)
    assert (requests >= 3, rest, len(served.memory_mib)) == (True, 0, 10)
    counts = "SELECT count(*), sum(spans), count(DISTINCT start_time_unix_nano) FROM traces"
    assert read(path, counts) == [(3 * requests, served.spans, 3 * requests)]
    assert read(path, "SELECT count(*) FROM complete_llm_interactions") == [(served.spans,)]


def test_the_receiver_takes_the_spans_of_the_exporter(tmp_path: Path) -> None:
    compared = compare_with_exporter(tmp_path / "compared", 1, "spans of 1 kB")
    assert compared.keys() == {EXPORTER, JSON, PROTOBUF, f"decoding {JSON}", f"decoding {PROTOBUF}"}
    counts = [read(path, "SELECT count(*) FROM spans") for path in (tmp_path / "compared").glob("*.db")]
    assert counts == [[(3 * 512,)]] * 3


@pytest.mark.parametrize("kind", KINDS_OF_POINTS)
def test_every_point_arrives(tmp_path: Path, kind: str) -> None:
    source, over_http = Source(kind, 7), make_over_http(count=True)
    contenders = {name: make(tmp_path) for name, make in POINT_CONTENDERS.items() if name != HTTP}
    for _ in range(3):
        data = source.collect()
        for contender in (*contenders.values(), over_http):
            contender.write(data)
    assert over_http.sink is not None
    assert over_http.sink.received() == 21
    for contender in (*contenders.values(), over_http):
        contender.close()
    ours = "SELECT count(*), count(DISTINCT series_id), sum(coalesce(delta, count_delta)) > 0 FROM metric_points"
    assert read(tmp_path / "ours.db", ours) == [(21, 7, 1)]
    assert read(tmp_path / "each.db", "SELECT count(*), count(DISTINCT attributes) FROM points") == [(21, 7)]
    assert read(tmp_path / "newest.db", "SELECT count(*), count(DISTINCT attributes) FROM points") == [(7, 7)]


def test_a_point_takes_a_third_of_the_bytes_of_a_row_at_most(tmp_path: Path) -> None:
    for kind in KINDS_OF_POINTS:
        costs = measure_points(tmp_path / kind, kind, 20, 6_000)
        assert costs.keys() == {OURS, HTTP, EACH_POINT, NEWEST}
        assert all(cost.cpu_us > 0 for cost in costs.values())
        assert 0 < costs[OURS].stored < costs[EACH_POINT].stored / 3


def test_spans_of_services_are_a_fifth_calls_and_a_tenth_tools(tmp_path: Path) -> None:
    path = tmp_path / "services.db"
    load_services(path, 500)
    counts = "SELECT spans, traces, complete_llm_interactions, complete_tool_interactions FROM row_counts"
    assert read(path, counts) == [(500, 50, 100, 50)]
    assert read(path, "SELECT count(*) FROM days") == [(30,)]
    assert 10 < len(list(ask(path, 1))) < 40


@pytest.mark.slow
def test_the_engine_of_a_dataset_answers_as_the_file(tmp_path: Path) -> None:
    lines = [*run_scale(tmp_path, 60, ("sqlite", "duckdb"), 1)]
    assert "\n60 spans of 6 days in" in lines[0]
    assert "\n20 of 20 answers equal those of the file" in lines
    assert [line.split("|")[1].strip() for line in lines[-2:]] == ["one trace", "one session"]


def test_the_table_has_a_line_for_everything() -> None:
    environment = {**os.environ, "BENCH_SPANS": "512"}
    command = [sys.executable, "-m", "benchmarks"]
    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True
    )
    assert all(f"| {name}" in done.stdout for name in PEERS)
    recorded = [path.stem for path in CAPTURES.glob("*.json")]
    assert all(f"recognition adds to calls and tools of {name}, CPU a span |" in done.stdout for name in recorded)
    assert all(f"| {name}: wall a batch beside a busy thread |" in done.stdout for name in CONTENDERS)
    assert "| an OpenInference call, this exporter / OTLP/HTTP, CPU |" in done.stdout
    assert all(f"| a page of {records} of 512 spans | " in done.stdout for records in LISTS)
    for kind in KINDS_OF_POINTS:
        for series in SERIES:
            assert f"| a point of {series:,} series, {kind}: this exporter / {HTTP}, CPU | " in done.stdout
    for kind in KINDS:
        assert f"| {kind}, receiver of {JSON} without decoding / this exporter, CPU |" in done.stdout
    assert done.stdout.count("| serve, 2 clients, ") == 18
    assert all(f"| report {name} of 512 spans | " in done.stdout for name in REPORTS if name != "queries")
    table = done.stdout.split("|---|---|\n")[1].splitlines()
    assert [line for line in table if line.count("|") != 3] == []


def test_the_migration_of_attribute_rows_is_measured_with_all_its_questions(tmp_path: Path) -> None:
    measured = run_migration(tmp_path, 2_400)
    assert measured.attribute_rows == 2_400
    assert set(measured.questions_ms) == set(QUESTIONS)
    assert len(QUESTIONS) == 10
    assert measured.peak_mib - measured.begun_mib < 64
    answers = [
        [read(tmp_path / f"{name}.db", text) for name, text in zip(("old", "new"), texts, strict=True)]
        for question, texts in QUESTIONS.items()
        if ":" not in texts[0] and not question.startswith(("the newest", "names"))
    ]
    for old, new in answers:
        assert [tuple(map(str, row)) for row in sorted(old)] == [tuple(map(str, row)) for row in sorted(new)]


def test_removal_is_measured_against_writing() -> None:
    for removal in measure_removal(400):
        assert min(removal.write_us, removal.remove_us, removal.held_ms, removal.ratio) > 0


def test_the_engine_of_patterns_takes_less_time_than_re() -> None:
    """Ten and a hundred times less here: the order is no matter of a machine's speed."""
    for pause in measure_pauses(2_000):
        assert 0 < pause.engine_cpu_ms < pause.re_cpu_ms


def test_retention_is_measured_beside_exports_and_at_a_cap(tmp_path: Path) -> None:
    found = export_beside_retention(tmp_path, 2_000, 0.5)
    assert (found.alone.spooled, found.beside.spooled) == (0, 0)
    assert found.removed_a_second > 0
    windows = stay_at_cap(tmp_path, 10_000_000, 4_000, 2)
    assert [window.written for window in windows] == [2_048, 1_952]
