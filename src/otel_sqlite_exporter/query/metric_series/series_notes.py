# SPDX-License-Identifier: Apache-2.0
"""What is told of an answer about series: what is estimated, averaged, merged or left out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.metric_series.metric_description import InstrumentFacts
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine


def describe_instruments(instruments: Collection[InstrumentFacts]) -> list[str]:
    """Return what is told of instruments of one name that are added up."""
    notes = []
    kinds = sorted({one.kind for one in instruments})
    if len(kinds) > 1:
        notes.append(f"series of several kinds are added up: {' and '.join(kinds)}")
    descriptions = {one.description for one in instruments}
    if len(descriptions) > 1:
        notes.append(f"the programs describe this metric in {len(descriptions)} ways")
    return notes


def describe_lines(lines: Sequence[MetricLine], seen: Mapping[str, int]) -> list[str]:
    """Return what is told of lines, and of what was `seen` while they were read."""
    notes = []
    estimated = dict.fromkeys(line.aggregate for line in lines if line.is_estimate)
    if estimated:
        notes.append(f"estimated from buckets: {', '.join(estimated)}")
    if seen.get("averaged"):
        notes.append(
            "a line of several series is their average, as gauges are not additive: the aggregate sum adds them up, "
            "and group_by=* shows each"
        )
    if seen.get("merged"):
        notes.append("histograms with different bounds are merged: a bucket that others divide is shared out evenly")
    if seen.get("uncounted"):
        points = count(seen["uncounted"], "point")
        notes.append(f"of {points} is not known what came in each bucket, as bounds or counts changed")
    if seen.get("unknown"):
        points = count(seen["unknown"], "first point says", "first points say")
        notes.append(f"{points} no start, so what they count is not known, and left out")
    if seen.get("left out"):
        points = count(seen["left out"], "point has", "points have")
        notes.append(f"{points} no finite number, and are left out")
    return notes
