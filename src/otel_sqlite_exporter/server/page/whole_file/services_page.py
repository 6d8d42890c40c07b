# SPDX-License-Identifier: Apache-2.0
"""`/services`: which service calls which, and the agents of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from otel_sqlite_exporter.query.aggregates.agent_list import read_agent_page
from otel_sqlite_exporter.query.aggregates.service_calls import ServiceCalls, read_service_calls
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent

MOST_AGENTS = 200
MOST_PAIRS = 200
LOOKED_AT = 30_000
"""The newest spans below others that are looked at: 0.1 s."""


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the pairs of services that call each other, and the agents."""
    found = backend.file.read(read_service_calls, limit=MOST_PAIRS, scanned=LOOKED_AT, **arguments)
    agents = backend.file.read(read_agent_page, limit=MOST_AGENTS, cursor=None)
    values: dict[str, Any] = {
        "pairs": found.pairs,
        "is_whole": found.is_whole,
        "looked_at": LOOKED_AT,
        "agents": agents,
        "busiest": max((pair.calls for pair in found.pairs), default=1),
    }
    return PageContent("Services", values)


def read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Read the pairs of services."""
    found = backend.file.read(read_service_calls, limit=MOST_PAIRS, scanned=LOOKED_AT, **arguments)
    return CsvTable("services", tuple(field_types(ServiceCalls)), ([*asdict(pair).values()] for pair in found.pairs))
