# SPDX-License-Identifier: Apache-2.0
"""Turns what the file and this process say into metrics of Prometheus, with a bounded number of series.

Of each kind the most frequent labels are shown, and once shown they stay: the rest is one series, `(other)`. Names are
cut, as services and models choose them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from otel_sqlite_exporter.server.prometheus.metric_values import MetricValues, Row
from otel_sqlite_exporter.server.query_times import BOUNDS_S, QueryTimes

_KeyT = TypeVar("_KeyT")
_PREFIX = "otel_sqlite_"
_OTHER = "(other)"
_MOST_SERIES = 50
_LONGEST_LABEL = 100
_CALLS = (
    ("calls", "calls", "Counted calls of models."),
    ("call_errors", "errors", "Counted calls of models that failed."),
    ("cost_usd", "cost_usd", "Known cost of counted calls, in US dollars."),
    ("calls_without_cost", "without_cost", "Counted calls whose cost is not known."),
    ("cached_input_tokens", "cached_input_tokens", "Input tokens that were read from a cache; input has them too."),
    ("reasoning_tokens", "reasoning_tokens", "Output tokens of reasoning; output has them too."),
)
_RECEIVED = (
    ("received_bytes", "sent_bytes", "Bytes of requests, as they were sent."),
    ("retried_requests", "retried_requests", "Requests that came again."),
)
_OUTCOMES = ("stored", "duplicate", "rejected")
_PAIR_STEPS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0")
_PAIR_BOUNDS = (*_PAIR_STEPS, "120.0", "300.0")


class ShownLabels:
    """Which labels of one kind are shown."""

    def __init__(self, most: int = _MOST_SERIES) -> None:
        self._most = most
        self._shown: set[tuple[str, ...]] = set()

    def fold(self, rows: Iterable[Row], labels: Sequence[str], values: Sequence[str]) -> dict[tuple[str, ...], Row]:
        """Return the sums of `values` by the labels that are shown. The rows have the most important first."""
        sums: dict[tuple[str, ...], Row] = {}
        for row in rows:
            key = tuple(_cut(row[label]) for label in labels)
            if key not in self._shown and len(self._shown) >= self._most:
                key = (_OTHER,) * len(key)
            elif key not in self._shown:
                self._shown.add(key)
            into = sums.setdefault(key, dict.fromkeys(values, 0))
            for value in values:
                into[value] += row[value] or 0
        return sums


class TelemetryCollector:
    """A collector of prometheus-client (prometheus.github.io/client_python/collector/custom)."""

    def __init__(self, values: MetricValues, times: QueryTimes) -> None:
        self._values = values
        self._times = times
        kinds = ("calls", "pairs", "sources", "reasons", "keys", "services", "series")
        self._labels = {name: ShownLabels() for name in kinds}

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that a registry asks for no values when the collector is added."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        complete = GaugeMetricFamily(f"{_PREFIX}metrics_complete", "1: all of these were read from the file in time.")
        complete.add_metric([], float(self._values.is_complete))
        yield complete
        yield from self._collect_received()
        yield from self._collect_calls()
        yield from self._collect_pairs()
        yield from self._collect_links()
        yield from self._collect_metrics()
        yield from self._collect_attributes()
        yield from self._collect_queries()

    def _collect_received(self) -> Iterator[Metric]:
        rows, labels = self._values.rows["sum_received_records"], ("sender", "service", "signal")
        counted = [*_OUTCOMES, *(column for _, column, _ in _RECEIVED)]
        rejected = [row | {"rejected": row["received"] - row["stored"] - row["duplicate"]} for row in rows]
        sums = self._labels["sources"].fold(rejected, labels, counted)
        records = _counter("received_records", "Records that were received by OTLP.", (*labels, "outcome"))
        for key, row in sums.items():
            for outcome in _OUTCOMES:
                records.add_metric([*key, outcome], row[outcome])
        yield records
        for name, column, help_text in _RECEIVED:
            yield _fill(_counter(name, help_text, labels), sums, column)
        reasons = [
            {"signal": row["signal"], "reason": reason, "records": number}
            for row in rows
            for reason, number in json.loads(row["rejected_reasons"]).items()
        ]
        by_reason = self._labels["reasons"].fold(reasons, ("signal", "reason"), ("records",))
        rejections = _counter("rejected_records", "Records that were rejected.", ("signal", "reason"))
        yield _fill(rejections, by_reason, "records")
        seen = GaugeMetricFamily(
            f"{_PREFIX}last_received_timestamp_seconds", "When something was received last.", labels=["signal"]
        )
        last: dict[str, int] = {}
        for row in rows:
            last[row["signal"]] = max(last.get(row["signal"], 0), row["last_seen_unix_nano"])
        for signal, moment in sorted(last.items()):
            seen.add_metric([_cut(signal)], moment / 1e9)
        yield seen

    def _collect_calls(self) -> Iterator[Metric]:
        columns = [*(column for _, column, _ in _CALLS), "input_tokens", "output_tokens"]
        labels = ("model", "service")
        sums = self._labels["calls"].fold(self._values.rows["sum_calls_by_model"], labels, columns)
        for name, column, help_text in _CALLS:
            yield _fill(_counter(name, help_text, labels), sums, column)
        tokens = _counter("tokens", "Tokens of counted calls.", (*labels, "type"))
        for key, row in sums.items():
            tokens.add_metric([*key, "input"], row["input_tokens"])
            tokens.add_metric([*key, "output"], row["output_tokens"])
        yield tokens

    def _collect_pairs(self) -> Iterator[Metric]:
        labels = ("operation", "service")
        columns = ("pairs", "seconds", *_PAIR_BOUNDS)
        sums = self._labels["pairs"].fold(self._values.rows["count_pair_durations"], labels, columns)
        durations = HistogramMetricFamily(
            f"{_PREFIX}pair_duration_seconds", "Durations of pairs of start and finish.", labels=labels
        )
        for key, row in sums.items():
            steps = [(bound, row[bound]) for bound in _PAIR_BOUNDS]
            durations.add_metric(key, [*steps, ("+Inf", row["pairs"])], row["seconds"])
        yield durations

    def _collect_links(self) -> Iterator[Metric]:
        linked = _counter("linked_records", "Start and finish records that were linked.", ("method",))
        orphans = GaugeMetricFamily(f"{_PREFIX}orphans", "Records without a partner.", labels=["phase"])
        running = GaugeMetricFamily(f"{_PREFIX}running_spans", "Spans that run.")
        for row in self._values.rows["count_linked_records"]:
            linked.add_metric(["span"], row["linked_by_span"] or 0)
            linked.add_metric(["time"], row["linked_by_temporal"] or 0)
            orphans.add_metric(["start"], row["orphan_starts"] or 0)
            orphans.add_metric(["finish"], row["orphan_finishes"] or 0)
            running.add_metric([], row["running"] or 0)
        yield from (linked, orphans, running)

    def _collect_metrics(self) -> Iterator[Metric]:
        rows = self._values.rows["count_series_by_service"]
        sums = self._labels["series"].fold(rows, ("service",), ("series", "metrics"))
        series = GaugeMetricFamily(f"{_PREFIX}metric_series", "Series of metrics in the file.", labels=["service"])
        yield _fill(series, sums, "series")
        instruments = GaugeMetricFamily(f"{_PREFIX}metrics", "Metrics in the file.", labels=["service"])
        yield _fill(instruments, sums, "metrics")
        points = _counter("metric_points", "Data points that programs wrote, or that were refused.", ("outcome",))
        for row in self._values.rows["sum_points"]:
            points.add_metric(["written"], row["written"])
            points.add_metric(["refused"], row["refused"])
        yield points

    def _collect_attributes(self) -> Iterator[Metric]:
        known = self._values.attributes
        labels = ("service", "key")
        rows = [{"service": service, "key": key, "bytes": size} for (service, key), size in _sort(known.bytes)]
        help_text = "Bytes of attributes, keys and values, of a sample: the newest spans at each look."
        sums = self._labels["keys"].fold(rows, labels, ("bytes",))
        yield _fill(_counter("attribute_bytes", help_text, labels), sums, "bytes")
        counts = known.count()
        services = [
            {"service": service, "keys": number, "new": known.new.get(service, 0)} for service, number in _sort(counts)
        ]
        by_service = self._labels["services"].fold(services, ("service",), ("keys", "new"))
        keys = GaugeMetricFamily(f"{_PREFIX}attribute_keys", "Attribute keys of that sample.", labels=["service"])
        yield _fill(keys, by_service, "keys")
        new = _counter("new_attribute_keys", "Attribute keys that were new since the server started.", ("service",))
        yield _fill(new, by_service, "new")

    def _collect_queries(self) -> Iterator[Metric]:
        durations = HistogramMetricFamily(
            f"{_PREFIX}query_duration_seconds", "Times of queries by route and report.", labels=("route", "report")
        )
        for route, report, steps, seconds in self._times.read():
            total, buckets = 0, []
            for bound, number in zip((*map(str, BOUNDS_S), "+Inf"), steps, strict=True):
                total += number
                buckets.append((bound, total))
            durations.add_metric([_cut(route), _cut(report)], buckets, seconds)
        yield durations


def _counter(name: str, help_text: str, labels: Sequence[str]) -> CounterMetricFamily:
    return CounterMetricFamily(_PREFIX + name, help_text, labels=labels)


def _fill(family: Any, sums: dict[tuple[str, ...], Row], column: str) -> Metric:
    for key, row in sums.items():
        family.add_metric(key, row[column])
    metric: Metric = family
    return metric


def _sort(numbers: Mapping[_KeyT, int]) -> list[tuple[_KeyT, int]]:
    return sorted(numbers.items(), key=lambda pair: -pair[1])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}…"
