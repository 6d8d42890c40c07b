# SPDX-License-Identifier: Apache-2.0
"""What a manifest says about the rows of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow

_TIMES = {
    "traces": ("start_time_unix_nano", "end_time_unix_nano"),
    "logs": ("start_time_unix_nano", "start_time_unix_nano"),
    "metrics": ("time_unix_nano", "time_unix_nano"),
}
"""By table, the columns with the first and the last time of a row."""
_COUNTED = {"spans": "spans", "logs": "logs", "metrics": "points"}
"""By table, what its rows are called."""


class DayFacts:
    """How many rows pass by, and the first and the last time of them."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(_COUNTED.values(), 0)
        self._first: int | None = None
        self._last: int | None = None

    def note(self, table: str, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield the record batches of a table."""
        compute = load_pyarrow().compute
        starts, ends = _TIMES.get(table, (None, None))
        for batch in batches:
            if table in _COUNTED:
                self._counts[_COUNTED[table]] += batch.num_rows
            if starts is not None:
                self._first = _choose(min, self._first, compute.min(batch.column(starts)).as_py())
                self._last = _choose(max, self._last, compute.max(batch.column(ends)).as_py())
            yield batch

    def tell(self) -> dict[str, int | None]:
        """Return the numbers of `spans`, `logs` and `points`, and `first_unix_nano` and `last_unix_nano` of all rows
        (None: there are none)."""
        return {**self._counts, "first_unix_nano": self._first, "last_unix_nano": self._last}


def _choose(choose: Any, known: int | None, found: int | None) -> int | None:
    given = [time for time in (known, found) if time is not None]
    return choose(given) if given else None
