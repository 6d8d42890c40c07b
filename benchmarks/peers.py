# SPDX-License-Identifier: Apache-2.0
"""Contenders from other packages, where these are installed: their own exporters into a SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.rivals import Contender


def _make_adk(folder: Path) -> Contender:
    from google.adk.telemetry.sqlite_span_exporter import SqliteSpanExporter

    return Contender(SqliteSpanExporter(db_path=str(folder / "adk.db")))


def _make_agno(folder: Path) -> Contender:
    from agno.db.sqlite import SqliteDb
    from agno.tracing.exporter import DatabaseSpanExporter

    return Contender(DatabaseSpanExporter(SqliteDb(db_file=str(folder / "agno.db"))))


PEERS: dict[str, Callable[[Path], Contender]] = {"google-adk": _make_adk, "agno": _make_agno}
"""By the name of the package, without which they raise ImportError."""


def make_peers(folder: Path) -> dict[str, Contender]:
    """Return the contenders of those packages that are installed."""
    made = {}
    for name, make in PEERS.items():
        with suppress(ImportError):
            made[name] = make(folder)
    return made
