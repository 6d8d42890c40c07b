# SPDX-License-Identifier: Apache-2.0
"""The cost of recognising calls and tools: spans that real packages exported, encoded with all dialects and with
none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai.rules import Rules
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.rows import NO_INTERACTIONS
from tests.scenarios.capture_file import decode_span, read_capture

CAPTURES = Path(__file__).parents[1] / "tests" / "captures"
_APPLICATION = "turn"
"""The span that the scenario itself makes around the package."""
_AT_LEAST = 200


class Recognition(NamedTuple):
    """Microseconds of CPU that recognition adds to a span: the mean over the spans of a capture that are calls or
    tools, or over the spans of all captures that are neither."""

    package: str
    are_calls: bool
    adds_us: float


def measure_recognition(rounds: int = 15) -> Iterator[Recognition]:
    """Yield the cost for each capture. Both ways take turns; each number is the difference of two medians."""
    encoder = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES)
    frameworks: list[ReadableSpan] = []
    applications: list[ReadableSpan] = []
    for path in sorted(CAPTURES.glob("*.json")):
        recorded = [span for one in read_capture(path)["scenarios"].values() for span in one.get("spans", ())]
        known = []
        for span in map(decode_span, recorded):
            if encoder.encode_span(span, 0).interactions is not NO_INTERACTIONS:
                known.append(span)
            else:
                (applications if span.name == _APPLICATION else frameworks).append(span)
        if known:
            yield Recognition(path.stem, True, _measure(known, rounds))
    yield Recognition("frameworks", False, _measure(frameworks, rounds))
    yield Recognition("the application itself", False, _measure(applications, rounds))


def _measure(spans: Sequence[ReadableSpan], rounds: int) -> float:
    spans = list(spans) * -(-_AT_LEAST // len(spans))
    encoders = SpanEncoder(DEFAULT_SESSION_ATTRIBUTES), SpanEncoder(DEFAULT_SESSION_ATTRIBUTES, Rules(()))
    took: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        for encoder, times in zip(encoders, took, strict=True):
            began = time.thread_time()
            for span in spans:
                encoder.encode_span(span, 0)
            times.append(time.thread_time() - began)
    with_all, with_none = (median(times) for times in took)
    return (with_all - with_none) / len(spans) * 1e6
