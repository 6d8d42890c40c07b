# SPDX-License-Identifier: Apache-2.0
"""Removes data points with their exemplars, and the series and instruments that have none then."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from otel_sqlite_exporter.write.removal.idle_series import forget_series
from otel_sqlite_exporter.write.removal.removed_records import PointCut
from otel_sqlite_exporter.write.removal.used_ids import UsedIds
from otel_sqlite_exporter.write.statements import encode_parameters, remove_rows


def remove_points(connection: sqlite3.Connection, cuts: Sequence[PointCut]) -> int:
    """Remove points in the caller's transaction, and return how many.

    Raises:
        sqlite3.Error: They cannot be removed. The caller is to roll back.
    """
    if not cuts:
        return 0
    used = UsedIds(connection)
    ranges = [(cut.series, cut.since, cut.before) for cut in cuts]
    kept = [(cut.series, *key) for cut in cuts for key in cut.kept]
    removed = remove_rows(connection, "remove_points", encode_parameters({"cuts": ranges, "kept": kept}))
    forget_series(connection, {cut.series for cut in cuts})
    used.note()
    return removed["_metric_points"]
