# SPDX-License-Identifier: Apache-2.0
"""What each service did in a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.skeletons.recorded_sums import NOTHING, sum_records
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.server.page.trace.waterfall_rows import SERVICE_COLOURS, BarPart


class ServiceSums(NamedTuple):
    """Sums over the spans of one service: `own_ms` is the time in which no span below ran, `critical_ms` that in which
    the end of the trace waited for it."""

    name: str
    colour: int
    spans: int
    errors: int
    own_ms: float
    critical_ms: float
    calls: int
    tokens: int | None
    cost_usd: float | None
    unpriced: int
    bar: BarPart


def sum_services(skeleton: TraceSkeleton) -> Sequence[ServiceSums]:
    """Return the sums of all services, in the order in which they come."""
    texts, spans = skeleton.texts["service"], skeleton.spans
    size = len(texts)
    counts, errors = ([0] * size for _ in range(2))
    own, critical = ([0.0] * size for _ in range(2))
    used = [NOTHING] * size
    for service, status, self_ns, critical_ns in zip(
        *(spans[name] for name in ("service", "status", "self_ns", "critical_ns")), strict=True
    ):
        counts[service] += 1
        errors[service] += status == 1
        own[service] += self_ns / 1e6
        critical[service] += (critical_ns or 0) / 1e6
    for at, told in sum_records(skeleton).items():
        service = spans["service"][at]
        used[service] = used[service].add(told)
    whole = max(own, default=0) or 1
    return [
        ServiceSums(
            texts[n],
            n % SERVICE_COLOURS,
            counts[n],
            errors[n],
            own[n],
            critical[n],
            used[n].calls,
            used[n].tokens,
            used[n].cost_usd,
            used[n].unpriced,
            BarPart("0%", f"{own[n] / whole:.2%}"),
        )
        for n in range(size)
    ]
