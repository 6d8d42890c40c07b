# SPDX-License-Identifier: Apache-2.0
"""`/services`: which service calls which, and what the agents of each used, in a range of time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from otel_sqlite_exporter.query.aggregates.service_calls import ServiceCalls, ServiceMap, read_service_calls
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent
from otel_sqlite_exporter.server.page.whole_file.recent_days import find_first_day

MOST_AGENTS = 200
MOST_PAIRS = 200
LOOKED_AT = 30_000
"""The newest spans below others that are looked at: 0.1 s."""


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the pairs of services that call each other, and the agents."""
    times = _find_times(backend, arguments)
    found = _read_pairs(backend, times)
    agents = backend.database.run_report("tokens", group_by=["service", "agent"], limit=MOST_AGENTS, **times)
    values: dict[str, Any] = {
        "pairs": found.pairs,
        "is_whole": found.is_whole,
        "looked_at": LOOKED_AT,
        "agents": [row for row in agents.to_dicts() if row["agent"] is not None],
        "times": times,
    }
    return PageContent("Services", values)


def read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Read the pairs of services."""
    found = _read_pairs(backend, _find_times(backend, arguments))
    return CsvTable("services", tuple(field_types(ServiceCalls)), ([*asdict(pair).values()] for pair in found.pairs))


def _find_times(backend: ApiBackend, arguments: Arguments) -> dict[str, Any]:
    """Return the range that was asked for; without one, the last days with records."""
    given = {name: value for name, value in arguments.items() if name in ("since", "until") and value != ""}
    first = None if given else backend.file.read(find_first_day)
    return given if first is None else {"since": first}


def _read_pairs(backend: ApiBackend, times: dict[str, Any]) -> ServiceMap:
    return backend.file.read(read_service_calls, limit=MOST_PAIRS, scanned=LOOKED_AT, **times)
