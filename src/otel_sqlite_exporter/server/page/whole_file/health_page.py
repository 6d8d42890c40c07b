# SPDX-License-Identifier: Apache-2.0
"""`/health`: what was received and written, what waits, what was kept aside, and what is wrong, with remedies."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.query.overview import measure_file
from otel_sqlite_exporter.query.session_conflicts import count_conflicts, describe_conflicts, list_conflicts
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.file_answers import describe_health
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent
from otel_sqlite_exporter.storage.identity import identify_file, name_command
from otel_sqlite_exporter.storage.steps import load_migrations

MOST_CONFLICTS = 20
_TOTALS = (
    "received",
    "written",
    "duplicate",
    "repaired",
    "quarantined",
    "refused",
    "dropped",
    "spooled",
    "replayed",
    "opened",
)


def read_health(backend: ApiBackend) -> dict[str, Any]:
    """Return what `/api/v1/health` answers."""
    health: dict[str, Any] = describe_health(backend, {}).data
    return health


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the health of the file."""
    health, path = read_health(backend), backend.settings.path
    traces = backend.file.read(count_conflicts)
    version = identify_file(path, busy_timeout_ms=backend.settings.busy_timeout_ms)[1]
    commands = {
        name: name_command(command, path)
        for name, command in (
            ("doctor", "doctor"),
            ("unrecognised", "report unrecognised"),
        )
    }
    values = {
        "health": health,
        "sizes": measure_file(path),
        "version": version,
        "package_version": load_migrations()[-1].version,
        "totals": [(name, health["exporter_totals"].get(name) or 0) for name in _TOTALS],
        "conflicts": describe_conflicts(traces, path) if traces else None,
        "conflict_rows": backend.file.read(list_conflicts, MOST_CONFLICTS) if traces else [],
        "commands": commands,
        "is_received": backend.context.receiver is not None,
    }
    return PageContent("Health", values)


def read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Read the sources of what was received."""
    sources = read_health(backend)["receiver"]["sources"]
    columns = tuple(sources[0]) if sources else ("sender", "service_name", "signal", "received")
    return CsvTable("sources", columns, ([str(source[name]) for name in columns] for source in sources))
