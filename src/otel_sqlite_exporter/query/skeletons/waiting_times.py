# SPDX-License-Identifier: Apache-2.0
"""Where the time of a trace went: what each span took itself, and which spans its end waited for. By columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.query.comparisons.critical_path import find_waits


def find_self_times(
    parents: Sequence[int | None], starts: Sequence[int], durations: Sequence[int], order: Sequence[int]
) -> list[int]:
    """Return the part of each duration in which no child ran. `order` are all positions by their start; what a child
    does before or after its parent counts for nothing."""
    own = list(durations)
    covered = list(starts)
    for at in order:
        parent = parents[at]
        if parent is not None:
            end = min(starts[at] + durations[at], starts[parent] + durations[parent])
            began = max(starts[at], covered[parent])
            if end > began:
                own[parent] -= end - began
                covered[parent] = end
    return own


def find_critical_times(
    parents: Sequence[int | None], starts: Sequence[int], durations: Sequence[int]
) -> list[int | None]:
    """Return the nanoseconds that the end of the trace waits for each span itself; None: it does not wait for it."""
    below: dict[int | None, list[int]] = {}
    for at, parent in enumerate(parents):
        below.setdefault(parent, []).append(at)
    waited = find_waits(
        below.get(None, []), lambda at: (starts[at], starts[at] + durations[at]), lambda at: below.get(at, ())
    )
    return [waited.get(at) for at in range(len(parents))]
