# SPDX-License-Identifier: Apache-2.0
"""Runs every benchmark and prints one table. `BENCH_SPANS=100000` shortens the long loads."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from benchmarks.agent_runs import store_runs
from benchmarks.asking import ask, ask_text, ask_tree
from benchmarks.latency import SPANS_A_REQUEST, measure_latency
from benchmarks.machine import describe_machine
from benchmarks.masking import measure_pauses
from benchmarks.measure import Result, run_rounds
from benchmarks.million import Load, Reads, run_load, time_reads
from benchmarks.openinference import openinference_spans
from benchmarks.paced import keep_pace
from benchmarks.peers import PEERS, make_peers
from benchmarks.points import EACH_POINT, HTTP, NEWEST, OURS, SERIES, measure_points
from benchmarks.points import KINDS as KINDS_OF_POINTS
from benchmarks.producers import PRODUCERS, WRITERS, produce, write_together
from benchmarks.receiver import CLIENTS, EXPORTER, KINDS, compare_with_exporter, serve_clients
from benchmarks.recognition import measure_recognition
from benchmarks.removing import measure_removal
from benchmarks.rivals import CONTENDERS, Contender
from benchmarks.sender import JSON, PROTOBUF
from benchmarks.services import load_services
from benchmarks.spans import BATCH, TEXT_BYTES
from benchmarks.transfer import Transfer, run_transfers

_OURS, _FLOOR, _OVER_HTTP = "this exporter", "floor", "OTLP/HTTP"
_SAME_ROWS, _ONE_TABLE = "executemany, the same rows", "executemany, one table"
_ROUNDS, _BUSY_ROUNDS, _READS = 96, 24, 200
_PACE = 20_000
_REQUESTS_A_SECOND, _REQUESTS, _TURNS = 25, 1_000, 4
_PACKAGES = ("otel-sqlite-exporter", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "orjson")


class Line(NamedTuple):
    what: str
    measured: str


class Sent(NamedTuple):
    """What clients send: spans of a kind and form, and for how many seconds where nothing is shortened."""

    kind: str
    form: str
    is_packed: bool
    spans_a_request: int
    seconds: int


_SENT = (
    Sent("spans of 1 kB", PROTOBUF, False, 512, 20),
    Sent("spans of 1 kB", PROTOBUF, True, 512, 20),
    Sent("spans of 1 kB", JSON, False, 512, 20),
    Sent("calls of 1 kB", PROTOBUF, False, 512, 20),
    Sent("spans of 1 kB", PROTOBUF, False, 50, 120),
    Sent("spans of 1 kB", PROTOBUF, False, 1, 20),
)


def main() -> None:
    """Print the machine, then each line of the table when it is ready."""
    spans = int(os.environ.get("BENCH_SPANS", "1000000"))
    rounds = max(min(_ROUNDS, spans // BATCH), 1)
    print(describe_machine(_PACKAGES), flush=True)
    print("\n| | measured |\n|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="otel-bench-") as folder:
        for line in run(Path(folder), spans, rounds, max(min(_BUSY_ROUNDS, rounds // 4), 1)):
            print(f"| {line.what} | {line.measured} |", flush=True)


def run(folder: Path, spans: int, rounds: int, busy_rounds: int) -> Iterator[Line]:
    """Yield the lines of the table, each when it is measured."""
    yield from describe_idle(measure(folder / "idle", rounds, busy=False))
    yield from describe_busy(measure(folder / "busy", busy_rounds, busy=True))
    yield from describe_calls(measure_calls(folder / "calls", rounds))
    yield from describe_recognition(max(min(15, rounds), 1))
    yield from describe_pauses(max(min(10_000, spans // 10), 100))
    yield from describe_removal(max(min(100_000, spans // 10), 1_000))
    yield from describe_producers(folder, max(spans // 5, 1_000))
    yield from describe_paced(folder, max(spans * 60 / 1_000_000, 0.3))
    yield from describe_latency(folder, max(spans * _REQUESTS // 1_000_000, 2 * _TURNS))
    together, worst = write_together(folder, max(rounds // 8, 1))
    yield Line(f"{WRITERS} processes on one file", f"{together:,.0f} spans/s together (longest export {worst:.0f} ms)")
    for kind in KINDS_OF_POINTS:
        for series in SERIES:
            yield from describe_points(folder / f"{kind} {series}", kind, series, max(spans // 10, 100))
    for kind in KINDS:
        yield from describe_receiver(kind, compare_with_exporter(folder / kind, rounds, kind))
    for sent in _SENT:
        clients = max(min(CLIENTS, spans // 256), 1)
        yield from describe_served(folder, sent, max(spans * sent.seconds / 1_000_000, 0.1), clients)
    yield from describe_transfers(list(run_transfers(folder, spans // 10, TEXT_BYTES)))
    for turns, runs in ((50, 4), (5, 40)):
        yield from describe_histories(folder, turns, max(min(runs, spans // 3_000), 1))
    path = folder / "ten.db"
    ten = run_load(path, spans, 10, 10, TEXT_BYTES)
    yield from describe_load("10 spans a trace, all calls", ten)
    yield from describe_reads(time_reads(path, _READS), ten.spans)
    path.unlink()
    fifth = run_load(folder / "fifth.db", spans, 10, 2, TEXT_BYTES)
    yield from describe_load("10 spans a trace, a fifth of them calls", fifth)
    yield from describe_load("1 span a trace", run_load(folder / "one.db", spans, 1, 1, TEXT_BYTES))
    asked = folder / "asked.db"
    load_services(asked, spans)
    for answer in chain(ask(asked), ask_text(asked)):
        yield measure_line(f"{answer.question} of {spans:,} spans", answer.took_ms, " ms")
    for answer in ask_tree(folder / "chain.db", min(spans, 50_000)):
        yield measure_line(answer.question, answer.took_ms, " ms")


def measure(folder: Path, rounds: int, *, busy: bool) -> dict[str, Result]:
    with _make(folder, CONTENDERS, with_peers=True) as contenders:
        return run_rounds(contenders, rounds, busy=busy)


def measure_calls(folder: Path, rounds: int) -> dict[str, Result]:
    with _make(folder, (_OURS, _OVER_HTTP)) as contenders:
        return run_rounds(contenders, rounds, make_spans=openinference_spans)


@contextlib.contextmanager
def _make(folder: Path, names: Iterable[str], *, with_peers: bool = False) -> Iterator[dict[str, Contender]]:
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        contenders = {name: CONTENDERS[name](folder) for name in names}
        if with_peers:
            contenders |= make_peers(folder)
        for contender in contenders.values():
            stack.callback(contender.close)
        yield contenders


def describe_idle(results: dict[str, Result]) -> Iterator[Line]:
    ours, floor = results[_OURS].cpu_us_a_span, results[_FLOOR].cpu_us_a_span
    for name, result in results.items():
        cpu, wall = result.cpu_us_a_span, result.wall_ms
        yield Line(f"{name}: CPU a span, wall a batch", f"{cpu:.1f} us, {wall:.1f} ms (worst {result.worst_ms:.0f})")
        if name == _FLOOR:
            yield measure_line("this exporter / floor, CPU", ours / floor)
        elif name != _OURS:
            yield measure_line(f"this exporter / {name}, CPU", ours / cpu)
    for name in PEERS.keys() - results.keys():
        yield Line(name, "not installed")


def describe_busy(results: dict[str, Result]) -> Iterator[Line]:
    for name, result in results.items():
        yield Line(
            f"{name}: wall a batch beside a busy thread", f"{result.wall_ms:.0f} ms (worst {result.worst_ms:.0f})"
        )
    for name in (_SAME_ROWS, _ONE_TABLE):
        ratio = results[_OURS].wall_ms / results[name].wall_ms
        yield measure_line(f"this exporter / {name}, wall beside a busy thread", ratio)


def describe_calls(results: dict[str, Result]) -> Iterator[Line]:
    for name, result in results.items():
        yield measure_line(f"an OpenInference call, {name}: CPU a span", result.cpu_us_a_span, " us")
    ratio = results[_OURS].cpu_us_a_span / results[_OVER_HTTP].cpu_us_a_span
    yield measure_line(f"an OpenInference call, this exporter / {_OVER_HTTP}, CPU", ratio)


def describe_recognition(rounds: int) -> Iterator[Line]:
    for recorded in measure_recognition(rounds):
        what = "calls and tools" if recorded.are_calls else "the other spans"
        yield measure_line(f"recognition adds to {what} of {recorded.package}, CPU a span", recorded.adds_us, " us")


def describe_pauses(characters: int) -> Iterator[Line]:
    for pause in measure_pauses(characters):
        measured = (
            f"{pause.re_ms:.1f} ms, {pause.engine_ms:.1f} ms (CPU {pause.re_cpu_ms:.1f}, {pause.engine_cpu_ms:.1f})"
        )
        yield Line(f"patterns on {pause.text}: other threads stand still, re and RE2", measured)
        yield measure_line(f"patterns on {pause.text}: RE2 / re, CPU", pause.engine_cpu_ms / pause.re_cpu_ms)


def describe_removal(spans: int) -> Iterator[Line]:
    for removal in measure_removal(spans):
        times = f"lock held {removal.held_ms:.0f} ms, p90 {removal.most_held_ms:.0f}"
        yield Line(f"remove {removal.what}", f"{removal.remove_us:.0f} us CPU a span ({times})")
        yield measure_line(f"remove {removal.what}: remove / write, CPU", removal.ratio)


def describe_producers(folder: Path, spans: int) -> Iterator[Line]:
    plain = 0.0
    for name in PRODUCERS:
        made = produce(name, folder, spans)
        rate, ends = f"{made.spans_a_second:,.0f} spans/s", (made.end_p50_us, made.end_p99_us, made.end_p999_us)
        end = "end() p50 {:.1f}, p99 {:.1f}, p99.9 {:.1f} us".format(*ends)
        yield Line(f"{name}: {spans:,} spans, flat out", f"{rate}, {made.lost:,} lost; {end}")
        plain = plain or made.both_p50_us
        if name == "SQLiteSpanProcessor":
            yield measure_line(f"{name}: spans lost", made.lost)
            yield measure_line(f"{name}: added to start and end of a span, p50", made.both_p50_us - plain, " us")


def describe_paced(folder: Path, seconds: float) -> Iterator[Line]:
    no_op, ours = keep_pace(folder, _PACE, seconds)
    asked = f"{_PACE:,} spans/s asked for in traces of ten, {seconds:.0f} s"
    yield Line(f"no-op exporter: {asked}", f"{no_op.spans_a_second:,.0f} spans/s made")
    yield Line(f"SQLiteSpanProcessor: {asked}", f"{ours.spans_a_second:,.0f} spans/s made")
    yield measure_line("SQLiteSpanProcessor / no-op exporter, spans made", ours.spans_a_second / no_op.spans_a_second)
    yield measure_line(f"SQLiteSpanProcessor: {asked}, lost", ours.lost, more=f" ({ours.dropped} counted as dropped)")


def describe_latency(folder: Path, requests: int) -> Iterator[Line]:
    measured = measure_latency(folder, _REQUESTS_A_SECOND, requests, _TURNS)
    for name, latency in measured.items():
        yield Line(
            f"{name}: {_REQUESTS_A_SECOND} requests/s of {SPANS_A_REQUEST} spans in asyncio",
            f"p50 {latency.p50_ms:.1f}, p99 {latency.p99_ms:.1f}, worst {latency.worst_ms:.1f} ms",
        )
    ours = measured.pop("SQLiteSpanProcessor")
    for name, latency in measured.items():
        yield measure_line(f"SQLiteSpanProcessor / {name}, p99 of a request", ours.p99_ms / latency.p99_ms)


def describe_points(folder: Path, kind: str, series: int, points: int) -> Iterator[Line]:
    costs = measure_points(folder, kind, series, points)
    what = f"a point of {series:,} series, {kind}"
    for name, cost in costs.items():
        stored = "" if name in (HTTP, NEWEST) else f", {cost.stored:,.0f} stored"
        taken = "" if name == HTTP else f"; {cost.written:,.0f} bytes written{stored}"
        yield Line(f"{what}, {name}: CPU", f"{cost.cpu_us:.1f} us{taken}")
    for name in (HTTP, EACH_POINT, NEWEST):
        yield measure_line(f"{what}: this exporter / {name}, CPU", costs[OURS].cpu_us / costs[name].cpu_us)
    yield measure_line(f"{what}: this exporter / {EACH_POINT}, bytes", costs[OURS].stored / costs[EACH_POINT].stored)


def describe_receiver(kind: str, results: dict[str, Result]) -> Iterator[Line]:
    exporter = results[EXPORTER].cpu_us_a_span
    yield measure_line(f"{kind}, this exporter: CPU a span", exporter, " us")
    for form in (PROTOBUF, JSON):
        whole, decoding = results[form].cpu_us_a_span, results[f"decoding {form}"].cpu_us_a_span
        what = f"{kind}, receiver of {form}"
        yield measure_line(f"{what}: CPU a span", whole, " us", f" (decoding {decoding:.2f})")
        yield measure_line(f"{what} / this exporter, CPU", whole / exporter)
        yield measure_line(f"{what} without decoding / this exporter, CPU", (whole - decoding) / exporter)


def describe_served(folder: Path, sent: Sent, seconds: float, clients: int) -> Iterator[Line]:
    packing = "gzip" if sent.is_packed else "plain"
    what = f"serve, {clients} clients, {sent.kind}, {sent.form}, {packing}, {sent.spans_a_request} a request"
    served = serve_clients(
        folder / what,
        sent.kind,
        sent.form,
        is_packed=sent.is_packed,
        spans_a_request=sent.spans_a_request,
        seconds=seconds,
        clients=clients,
    )
    rates = f"{served.spans_a_second:,.0f} spans/s, {served.requests_a_second:,.0f} requests/s"
    asked = f", {served.busy:,} asked to come again" if served.busy else ""
    yield Line(f"{what}, {seconds:.0f} s", f"{rates}{asked}; CPU of the server {served.cpu_us_a_span:.0f} us a span")
    yield measure_line(f"{what}: spans lost", served.lost, more=f" of {served.spans:,}")
    memory = served.memory_mib
    grown = memory[-1] - memory[len(memory) // 2]
    yield measure_line(f"{what}: growth of memory in its second half (to {memory[-1]:.0f} MiB)", grown, " MiB")


def describe_histories(folder: Path, turns: int, runs: int) -> Iterator[Line]:
    whole, shared = (
        store_runs(folder / f"{turns}-{is_shared}.db", runs, turns, is_shared=is_shared) for is_shared in (False, True)
    )
    for way, stored in (("whole in every call", whole), ("stored once", shared)):
        read = f"read in {stored.read_us_a_call:.0f} us a call"
        measured = f"{stored.bytes_a_turn:,.0f} bytes a turn, {stored.cpu_us_a_span:.0f} us CPU a span, {read}"
        yield Line(f"agent runs of {turns} turns, history {way}", measured)
    yield measure_line(f"agent runs of {turns} turns: once / whole, bytes", shared.bytes_a_turn / whole.bytes_a_turn)


def describe_load(shape: str, load: Load) -> Iterator[Line]:
    fifths = " ".join(f"{cpu:.1f}" for cpu in load.cpu_us_a_span)
    yield Line(f"{load.spans:,} spans, {shape}: CPU a span by fifth", f"{fifths} us")
    yield measure_line(f"{shape}: last fifth / first", load.cpu_us_a_span[-1] / load.cpu_us_a_span[0])
    written = " ".join(f"{bytes:,.0f}" for bytes in load.written_a_span)
    yield Line(f"{shape}: bytes written a span by fifth", written)
    yield Line(f"{shape}: file", f"{load.bytes_a_span:,.0f} bytes a span")
    grown = load.peak_mib[-1] - load.peak_mib[0]
    yield measure_line(
        f"{shape}: growth of peak memory after the first fifth ({load.peak_mib[0]:.0f} MiB)", grown, " MiB"
    )


def describe_reads(reads: Reads, spans: int) -> Iterator[Line]:
    yield measure_line(
        f"one trace of {spans:,} spans", reads.trace_median_ms, " ms", f" (p95 {reads.trace_p95_ms:.2f})"
    )
    yield measure_line("the newest 50 sessions", reads.sessions_median_ms, " ms")


def describe_transfers(transfers: Sequence[Transfer]) -> Iterator[Line]:
    smaller: dict[str, Transfer] = {}
    for one in transfers:
        if one.what in smaller:
            grown = one.peak_mib - smaller[one.what].peak_mib
            yield measure_line(f"{one.what}: growth of peak memory with four times the spans", grown, " MiB")
        smaller[one.what] = one
    for one in smaller.values():
        rate, cpu = one.records / one.seconds, one.cpu_seconds / one.records * 1e6
        memory = f"peak memory {one.peak_mib:.0f} MiB"
        yield Line(
            f"{one.what}: {one.records:,} records", f"{rate:,.0f} records/s, CPU {cpu:.0f} us a record; {memory}"
        )


def measure_line(what: str, value: float, unit: str = "", more: str = "") -> Line:
    """Return the line of one measurement."""
    return Line(what, f"{value:.2f}{unit}{more}")


if __name__ == "__main__":
    main()
