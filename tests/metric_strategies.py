# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for metrics: messages of OTLP in its JSON encoding, of all kinds of data points. Each is also a
message of protobuf (`tests.otlp_messages.as_protobuf`), and gives `PointFields` (`read_points`)."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message

NOON_NS = 1_769_860_800_000_000_000
_MINUTE_NS = 60 * 10**9
TEMPORALITIES = (0, 1, 2)
"""Not given, delta, cumulative."""

texts = st.one_of(st.sampled_from(["", "s", "By", "{request}", "a\0b", "NaN", "naïve 😀"]), st.text(max_size=8))
names = st.one_of(
    st.sampled_from(["http.server.request.duration", "cpu", "gen_ai.client.token.usage"]), texts.filter(len)
)
"""Of metrics. As protobuf, one without a name may look like a log record."""
counts = st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1))
integers = st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1))
doubles = st.one_of(st.integers(-3, 3).map(float), st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0]))
finite = st.floats(allow_nan=False, allow_infinity=False)
times = st.one_of(st.integers(0, 5).map(lambda minute: NOON_NS + minute * _MINUTE_NS), st.integers(1, 2**63 - 1))
starts = st.one_of(st.sampled_from([0, NOON_NS - _MINUTE_NS, NOON_NS]), st.integers(0, 2**63 - 1))


def _write_double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _tagged(kind: str, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return strategy.map(lambda value: {kind: value})


def _list_pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    keys = st.one_of(
        st.sampled_from(["route", "session.id", "user.id", "a/b", "~", "é"]), st.text(min_size=1, max_size=4)
    )
    pairs = st.tuples(keys, values)
    return st.lists(pairs, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda made: [{"key": key, "value": value} for key, value in made]
    )


any_values: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.just({}),
        _tagged("stringValue", texts),
        _tagged("intValue", integers.map(str)),
        _tagged("doubleValue", doubles.map(_write_double)),
        _tagged("boolValue", st.booleans()),
        _tagged("bytesValue", st.binary(max_size=6).map(lambda value: base64.b64encode(value).decode())),
    ),
    lambda inner: st.one_of(
        _tagged("arrayValue", st.fixed_dictionaries({"values": st.lists(inner, max_size=3)})),
        _tagged("kvlistValue", st.fixed_dictionaries({"values": _list_pairs(inner)})),
    ),
    max_leaves=4,
)


attributes = _list_pairs(st.one_of(_tagged("stringValue", st.sampled_from(["/", "/a", "/b"])), any_values))


def _message(
    needed: Mapping[str, st.SearchStrategy[Any]], optional: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict(needed), optional=dict(optional))


_values = st.one_of(_tagged("asInt", integers.map(str)), _tagged("asDouble", doubles.map(_write_double)))
_ids = {
    "traceId": st.integers(1, 2**128 - 1).map(lambda value: f"{value:032x}"),
    "spanId": st.integers(1, 2**64 - 1).map(lambda value: f"{value:016x}"),
}
exemplars = st.tuples(
    _values, _message({"timeUnixNano": times.map(str)}, {**_ids, "filteredAttributes": attributes})
).map(lambda parts: parts[0] | parts[1])
_needed = {"timeUnixNano": times.map(str)}
_optional = {
    "startTimeUnixNano": starts.map(str),
    "attributes": attributes,
    "flags": st.sampled_from([0, 1, 3]),
}
_with_exemplars = {**_optional, "exemplars": st.lists(exemplars, max_size=3)}
_sums = {name: doubles.map(_write_double) for name in ("sum", "min", "max")}
number_points = st.tuples(st.one_of(_values, st.just({})), _message(_needed, _with_exemplars)).map(
    lambda parts: parts[0] | parts[1]
)


def _add_buckets(point: dict[str, Any], bounds: list[float], amounts: list[int]) -> dict[str, Any]:
    buckets = amounts[: len(bounds) + 1]
    if len(buckets) <= len(bounds):
        return point
    return point | {"explicitBounds": bounds, "bucketCounts": [str(amount) for amount in buckets]}


histogram_points = st.builds(
    _add_buckets,
    _message({**_needed, "count": counts.map(str)}, {**_with_exemplars, **_sums}),
    st.lists(finite, max_size=4, unique=True).map(sorted),
    st.lists(counts, max_size=5),
)
_buckets = _message(
    {}, {"offset": st.integers(-(2**31), 2**31 - 1), "bucketCounts": st.lists(counts.map(str), max_size=4)}
)
exponential_points = _message(
    {**_needed, "count": counts.map(str), "scale": st.integers(-(2**31), 2**31 - 1)},
    {
        **_with_exemplars,
        **_sums,
        "zeroCount": counts.map(str),
        "zeroThreshold": st.sampled_from([0.0, 1e-6]),
        "positive": _buckets,
        "negative": _buckets,
    },
)
_quantiles = _message({}, {"quantile": st.sampled_from([0.0, 0.5, 0.99, 1.0]), "value": doubles.map(_write_double)})
summary_points = _message(
    {**_needed, "count": counts.map(str)},
    {**_optional, "sum": doubles.map(_write_double), "quantileValues": st.lists(_quantiles, max_size=3)},
)


def _hold(points: st.SearchStrategy[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _message({"dataPoints": st.lists(points, min_size=1, max_size=4)}, fields)


_temporality = {"aggregationTemporality": st.sampled_from(TEMPORALITIES)}
data = st.one_of(
    _tagged("gauge", _hold(number_points)),
    _tagged("sum", _hold(number_points, **_temporality, isMonotonic=st.booleans())),
    _tagged("histogram", _hold(histogram_points, **_temporality)),
    _tagged("exponentialHistogram", _hold(exponential_points, **_temporality)),
    _tagged("summary", _hold(summary_points)),
)
metrics = st.tuples(_message({"name": names}, {"description": texts, "unit": texts, "metadata": attributes}), data).map(
    lambda parts: parts[0] | parts[1]
)
_scopes = _message({}, {"name": texts, "version": st.sampled_from(["1", "2.0"]), "attributes": attributes})
_urls = st.sampled_from(["", "https://schema.example/1"])
scope_metrics = _message({"metrics": st.lists(metrics, min_size=1, max_size=2)}, {"scope": _scopes, "schemaUrl": _urls})
resource_metrics = _message(
    {"scopeMetrics": st.lists(scope_metrics, min_size=1, max_size=2)},
    {"resource": _message({}, {"attributes": attributes}), "schemaUrl": _urls},
)
messages = _message({"resourceMetrics": st.lists(resource_metrics, min_size=1, max_size=2)}, {})
"""MetricsData that protobuf can hold too."""


def read_points(message: Mapping[str, Any]) -> list[PointFields]:
    """The data points of a message."""
    return [record for record in decode_message(message, Alterations()) if isinstance(record, PointFields)]


points = messages.map(read_points)
"""Data points as encoding reads them."""


def split_message(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message for each data point of a message."""
    found = []
    for group in message["resourceMetrics"]:
        for scoped in group["scopeMetrics"]:
            for metric in scoped["metrics"]:
                ((kind, held),) = [(key, item) for key, item in metric.items() if isinstance(item, dict)]
                for point in held["dataPoints"]:
                    alone = {**metric, kind: {**held, "dataPoints": [point]}}
                    found.append({"resourceMetrics": [{**group, "scopeMetrics": [{**scoped, "metrics": [alone]}]}]})
    return found
