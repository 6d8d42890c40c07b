# SPDX-License-Identifier: Apache-2.0
"""The settings that only the metric exporter has, declared as those of `settings` are."""

# Without `from __future__ import annotations`: see `settings`.

from typing import Annotated, NamedTuple

from otel_sqlite_exporter import parsing
from otel_sqlite_exporter.declarations import Setting
from otel_sqlite_exporter.settings import SettingKeywords

METRIC_TEMPORALITIES = ("cumulative", "delta", "lowmemory")
METRIC_HISTOGRAMS = ("explicit", "exponential")


class MetricKeywords(SettingKeywords, total=False):
    """The keywords of the metric exporter, next to `path`, and the types that they accept. None means unset."""

    metric_temporality: str | None
    metric_histograms: str | None


class MetricSettings(NamedTuple):
    """The settings that only the metric exporter has."""

    metric_temporality: Annotated[
        str,
        Setting(
            "cumulative",
            parsing.one_of(METRIC_TEMPORALITIES),
            "What a point of a counter or histogram tells: `cumulative`, all since the process began; `delta`, what "
            "came since the point before; `lowmemory`, delta but for observable counters.",
        ),
    ]
    metric_histograms: Annotated[
        str,
        Setting(
            "explicit",
            parsing.one_of(METRIC_HISTOGRAMS),
            "The histograms of instruments without a view: `explicit`, with fixed buckets; `exponential`, with buckets "
            "that fit what is measured.",
        ),
    ]
