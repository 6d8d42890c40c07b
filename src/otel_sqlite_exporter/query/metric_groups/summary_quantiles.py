# SPDX-License-Identifier: Apache-2.0
"""The quantiles that the points of a summary say. They are of a time that only the program knows, and cannot be merged,
so those of the last point of a step stand for it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from otel_sqlite_exporter.query.metric_arithmetic.distribution_points import DistributionPoint
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_groups.increase_groups import Values


class SummaryQuantiles:
    """The quantiles of one series."""

    def __init__(
        self, steps: TimeSteps, points: Iterable[tuple[int, int, int | None, DistributionPoint | None]]
    ) -> None:
        """`points` have a time, a start, a number of raw points and a value."""
        self._steps = steps
        last = {steps.find(time): point for time, _, _, point in points if point is not None}
        self._found = {index: point.read_quantiles() for index, point in last.items()}

    def list_known(self) -> list[float]:
        """Return the quantiles that any point has, from 0 to 1."""
        return sorted({quantile for quantiles in self._found.values() for quantile in quantiles})

    def get_values(self, quantile: float) -> Values:
        """Return the values of a quantile from 0 to 1."""
        near = (one for one in self.list_known() if math.isclose(one, quantile, abs_tol=1e-9))
        known = next(near, quantile)
        return [self._found.get(index, {}).get(known) for index in range(len(self._steps))]
