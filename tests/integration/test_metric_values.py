# SPDX-License-Identifier: Apache-2.0
"""Values of metrics that no SDK should give: each costs itself at most, and says nothing that is to be masked."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricExportResult,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource

from otel_sqlite_exporter import SQLiteMetricExporter
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run_process
from tests.conftest import HANG_S, health, read
from tests.metering import make_data, make_sum, metering, points, quarantined, totals
from tests.new_files import put_new_file

SUCCESS = MetricExportResult.SUCCESS
CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA
SECRET = "s3cr3t"


class Hostile:
    """Whatever is asked of it raises, with a secret."""

    def __str__(self) -> str:
        raise ValueError(SECRET)

    __repr__ = __str__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(SECRET)

    def __bool__(self) -> bool:
        raise RuntimeError(SECRET)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError(SECRET)

    def __hash__(self) -> int:
        raise RuntimeError(SECRET)

    def __float__(self) -> float:
        raise RuntimeError(SECRET)

    def __iter__(self) -> Any:
        raise RuntimeError(SECRET)


def odd_values() -> list[Any]:
    """Values where a number, a text or a sequence should be."""
    return [
        *(None, True, "", "12", SECRET, "\ud800", b"\xff", math.nan, math.inf, -0.0, 2**63, -(2**200), 10**4000),
        *(np.int64(3), np.float32(0.5), np.float64("nan"), np.uint64(2**64 - 1), np.bool_(True), np.array([1, 2])),
        *([], [1, "a"], {"a": 1}, {1: [SECRET]}, object(), Hostile(), 1 + 2j, range(3), ("a", (1,))),
    ]


_odd = st.integers(0, len(odd_values()) - 1).map(lambda number: odd_values()[number])
_attributes = st.one_of(_odd, st.dictionaries(st.sampled_from(["a", "\ud800", "b", 0]), _odd))


def build(kind: type, **odd: Any) -> Any:
    """A point as the SDK makes it, with odd values."""
    sound: dict[str, Any] = {
        **{"attributes": {"a": 1}, "start_time_unix_nano": 1, "time_unix_nano": 2, "value": 3, "count": 2, "sum": 3.5},
        **{"bucket_counts": (1, 1), "explicit_bounds": (2.0,), "min": 1, "max": 2.5, "scale": 1, "zero_count": 0},
        **{"positive": None, "negative": None, "flags": 0},
    }
    names = [field.name for field in dataclasses.fields(kind) if field.name != "exemplars"]
    return kind(**{name: odd.get(name, sound[name]) for name in names}, exemplars=odd.get("exemplars", ()))


@st.composite
def _metrics(draw: st.DrawFn) -> Any:
    """A metric in which some values are odd, or something that stands where a metric should be."""
    if draw(st.integers(0, 9)) == 0:
        return draw(_odd)
    kind = draw(st.sampled_from([NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint]))
    names = [field.name for field in dataclasses.fields(kind)]
    odd = draw(st.dictionaries(st.sampled_from(names), _odd, max_size=3))
    if draw(st.booleans()):
        odd["attributes"] = draw(_attributes)
    made = (
        draw(st.one_of(st.just([build(kind, **odd)]), _odd)) if draw(st.integers(0, 9)) == 0 else [build(kind, **odd)]
    )
    temporality = draw(st.one_of(st.sampled_from([CUMULATIVE, DELTA]), _odd))
    data: Any
    if kind is NumberDataPoint:
        data = Sum(made, temporality, draw(st.one_of(st.booleans(), _odd)))
    else:
        data = (Histogram if kind is HistogramDataPoint else ExponentialHistogram)(made, temporality)
    name, description, unit = (draw(st.one_of(st.just("odd"), _odd)) for _ in range(3))
    return Metric(name, description, unit, data)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    metrics=st.lists(_metrics(), max_size=4),
    resource=st.one_of(st.none(), _odd),
    scope=st.one_of(st.none(), _odd),
    masked=st.booleans(),
)
def test_whatever_is_exported_the_others_of_the_batch_are_stored(
    metrics: list[Any], resource: Any, scope: Any, masked: bool
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        keywords: dict[str, Any] = {"redact_values": [SECRET]} if masked else {}
        put_new_file(path)
        exporter = SQLiteMetricExporter(path, **keywords)
        data = make_data(*metrics, resource=resource, scope=scope)
        sound = make_data(make_sum("sound", 1))
        data = type(data)([*data.resource_metrics, *sound.resource_metrics])
        assert exporter.export(data) is SUCCESS
        assert exporter.export(sound) is SUCCESS
        exporter.shutdown()
        assert points(path, "value", where="name = 'sound'") == [(1,)]
        assert read(path, "PRAGMA integrity_check") == [("ok",)]
        received, written, duplicate, quarantine, dropped = health(
            path, "received", "written", "duplicate", "quarantined", "dropped"
        )
        assert (received, dropped) == (written + duplicate + quarantine, 0)
        assert read(path, "PRAGMA foreign_key_check") == []
        for view in ("metrics", "metric_points", "exemplars"):
            read(path, f"SELECT * FROM {view}")
        if masked:
            assert SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("value", "stored", "kind", "repaired"),
    [
        (math.nan, None, "nan", 0),
        (math.inf, math.inf, "real", 0),
        (2**64, float(2**64), "large", 0),
        (np.int64(3), 3, "integer", 0),
        (np.float32(0.5), 0.5, "real", 0),
        (True, 1.0, "real", 1),
        ("12", 12.0, "real", 1),
        (Hostile, None, None, 1),
        (None, None, None, 0),
    ],
)
@pytest.mark.row("A number of a data point that is a boolean or a text; any other value in its place")
def test_a_number_is_stored_as_it_is_or_repaired(path: Path, value: Any, stored: Any, kind: Any, repaired: int) -> None:
    exporter = SQLiteMetricExporter(path)
    value = value() if value is Hostile else value
    assert exporter.export(make_data(Metric("odd", "", "", Gauge([build(NumberDataPoint, value=value)])))) is SUCCESS
    exporter.shutdown()
    assert points(path, "value", "value_type") == [(stored, kind)]
    assert health(path, "written", "repaired", "quarantined") == (1, repaired, 0)


class Summary:
    """A kind of metric that the SDK does not have."""

    def __init__(self, *data_points: Any) -> None:
        self.data_points = data_points


def test_what_cannot_be_read_is_in_the_quarantine_with_its_name(path: Path) -> None:
    exporter = SQLiteMetricExporter(path)
    bad_point = build(HistogramDataPoint, bucket_counts=5)
    data = make_data(
        Metric("of.tomorrow", "", "s", Summary(1, 2)),  # type: ignore[arg-type]
        Metric("took", "", "s", Histogram([bad_point, build(HistogramDataPoint)], CUMULATIVE)),
        None,
        make_sum("sound", 1),
    )
    assert exporter.export(data) is SUCCESS
    assert exporter.export(type(data)([ResourceMetrics(Resource({}), 7, "")])) is SUCCESS  # type: ignore[arg-type]
    exporter.shutdown()
    assert points(path, "name", "coalesce(value, count)") == [("sound", 1), ("took", 2)]
    rows = quarantined(path)
    assert [reason for reason, _ in rows] == [
        "UnknownMetricError: this version does not know metrics of the kind Summary",
        "TypeError: raised in encode.metric_encoding.point_numbers.encode_counts",
        "AttributeError: raised in sdk.sdk_points._add_points",
        "TypeError: raised in sdk.sdk_points._try_each",
    ]
    assert "of.tomorrow" in rows[0][1]["instrument"]
    assert "bounds=(2.0,), counts=5" in rows[1][1]["distribution"]
    assert health(path, "received", "written", "quarantined") == (6, 2, 4)


def test_secrets_are_masked_wherever_they_are(path: Path) -> None:
    keywords: dict[str, Any] = {"redact_values": [SECRET], "redact_keys": ["password"]}
    views = [View(instrument_name="*", attribute_keys={"a", "password", "list"})]
    text = f"of {SECRET}"
    with metering(path, views, Resource({"service.name": text}), **keywords) as provider:
        meter = provider.get_meter(text, text, text, {"a": text})
        counter = meter.create_counter("orders", SECRET, text)
        counter.add(1, {"a": text, "password": "x", "list": [text]})
    exporter = SQLiteMetricExporter(path, **keywords)
    exporter.export(
        make_data(
            Metric(text, text, text, Summary(text)),  # type: ignore[arg-type]
            Metric("took", "", "", Histogram([build(HistogramDataPoint, attributes={"a": text}, min=SECRET)], DELTA)),
            Metric("bad", "", "", Histogram([build(HistogramDataPoint, attributes={"a": text}, sum=[text])], DELTA)),
        )
    )
    exporter.shutdown()
    assert SECRET.encode() not in path.read_bytes()
    masked = "of [redacted]"
    attributes = {"a": masked, "password": "[redacted]", "list": [masked]}
    ((shown, service, scope),) = points(path, "attributes", "service_name", "scope_name", where="name = 'orders'")
    assert (json.loads(shown), service, scope) == (attributes, masked, masked)
    assert read(path, "SELECT unit, description FROM metrics WHERE name = 'orders'") == [("[redacted]", masked)]


WORDS, ABOUT = "a b " * 20, "How many tokens each call read and wrote, and of which model"


@pytest.mark.parametrize(
    ("keywords", "stored", "description"),
    [
        ({}, {"gen_ai.prompt": "hello", "error.message": "no hello", "user.id": "ada", "words": WORDS, "n": 1}, ABOUT),
        ({"capture_content": False}, {"user.id": "ada", "words": WORDS, "n": 1}, ABOUT),
        ({"capture": "metadata"}, {"user.id": "ada", "n": 1}, ""),
        (
            {"capture": "metadata", "allow_keys": ["words", "metric.description"]},
            {"user.id": "ada", "words": WORDS, "n": 1},
            ABOUT,
        ),
        ({"allow_keys": ["n"]}, {"n": 1}, ""),
        (
            {"capture_limit": 40},
            {"gen_ai.prompt": "hello", "error.message": "no hello", "user.id": "ada", "words": WORDS[:40], "n": 1},
            f"{ABOUT[:39]}…",
        ),
        (
            {"redactor": "tests.integration.test_metric_values:upper"},
            {"gen_ai.prompt": "HELLO", "error.message": "NO HELLO", "user.id": "ADA", "words": WORDS.upper(), "n": 1},
            ABOUT.upper(),
        ),
    ],
)
def test_what_is_captured_of_a_metric(path: Path, keywords: Any, stored: Any, description: str) -> None:
    given_attributes: dict[str, Any] = {
        "gen_ai.prompt": "hello",
        "error.message": "no hello",
        "user.id": "ada",
        "words": WORDS,
        "n": 1,
    }
    views = [View(instrument_name="*.kept"), View(instrument_name="*.filtered", attribute_keys=set())]
    with metering(path, views, **keywords) as provider:
        for name in ("gen_ai.client.token.usage.kept", "gen_ai.client.token.usage.filtered"):
            provider.get_meter("tests").create_histogram(name, "{token}", ABOUT).record(3, given_attributes)
    ((attributes,),) = points(path, "attributes", where="name LIKE '%kept'")
    assert json.loads(attributes) == stored
    assert points(path, "count", "sum") == [(1, 3), (1, 3)]
    assert read(path, "SELECT DISTINCT description FROM metrics") == [(description,)]


def upper(key: str, value: Any) -> Any:
    """A redactor of a user."""
    return value.upper() if isinstance(value, str) else value


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("histograms", ["explicit", "exponential"])
def test_series_that_masking_makes_one_are_added_up(path: Path, temporality: str, histograms: str) -> None:
    keywords: dict[str, Any] = {"metric_temporality": temporality, "metric_histograms": histograms}
    with metering(path, redact_keys=["user.*"], **keywords) as provider:
        meter = provider.get_meter("tests")
        for step in range(3):
            for user in range(2 + step):
                attributes = {"user.id": str(user), "kind": "book"}
                meter.create_counter("orders").add(1, attributes)
                meter.create_up_down_counter("waiting").add(-1, attributes)
                meter.create_histogram("took").record(0.001 * 10**user, attributes)
            provider.force_flush()
    masked = '{"kind":"book","user.id":"[redacted]"}'
    assert totals(path) == {("orders", masked): 9, ("took", masked): None, ("waiting", masked): -9}
    assert totals(path, "count_delta")["took", masked] == 9
    assert totals(path, "sum_delta")["took", masked] == pytest.approx(3 * 0.011 + 2 * 0.1 + 1, rel=1e-9)
    assert read(path, "SELECT DISTINCT change FROM metric_points WHERE change = 'reset'") == []
    for kind, count, text in points(path, "kind", "count", "buckets", where="name = 'took'"):
        buckets = json.loads(text)
        counts = buckets["counts"] if kind == "histogram" else buckets["positive"]["counts"]
        assert sum(counts) == count


def test_gauges_that_masking_makes_one_keep_one_value(path: Path) -> None:
    with metering(path, redact_keys=["user.*"]) as provider:
        for user, value in (("ada", 3), ("bob", 5), ("eve", 4)):
            provider.get_meter("tests").create_gauge("waiting").set(value, {"user.id": user})
    assert points(path, "value") == [(5,)]


def test_two_scopes_of_one_batch_stay_apart(path: Path) -> None:
    exporter = SQLiteMetricExporter(path)
    of_scopes = [ScopeMetrics(None, [make_sum("orders", number)], "") for number in range(2)]  # type: ignore[arg-type]
    data = make_data()
    exporter.export(type(data)([ResourceMetrics(Resource({"service.name": str(n)}), of_scopes, "") for n in range(2)]))
    exporter.shutdown()
    assert points(path, "service_name", "value", "scope_name") == [("0", 1, None), ("1", 1, None)]


@pytest.mark.parametrize("masks", [{}, {"redact_keys": ["user.*"]}])
def test_what_is_received_or_imported_is_added_up_too(path: Path, tmp_path: Path, masks: dict[str, Any]) -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("tests").create_counter("orders")
    for number in range(3):
        counter.add(number + 1, {"user.id": str(number)})
    data = reader.get_metrics_data()
    assert data is not None
    body = encode_metrics(data).SerializeToString()
    (tmp_path / "metrics.pb").write_bytes(body)
    request = ReceivedRequest("metrics", body, False, "sender", "client", len(body))
    settings = resolve_settings(path, **masks)
    receiver = Receiver(settings)
    assert receiver.submit(request).result(HANG_S) == ExportAnswer()
    receiver.close()
    assert sorted(value for (value,) in points(path, "value")) == ([6] if masks else [1, 2, 3])
    variables: Any = {f"OTEL_EXPORTER_SQLITE_{name.upper()}": ",".join(value) for name, value in masks.items()}
    assert run_process("import", tmp_path / "metrics.pb", "--into", path, **variables)[0] == 0
    assert sorted(value for (value,) in points(path, "value")) == ([6] if masks else [1, 2, 3])
