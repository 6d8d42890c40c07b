# SPDX-License-Identifier: Apache-2.0
"""Reads the SQL that this package ships as data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def read_query(name: str) -> str:
    """Return the text of `queries/NAME.sql`."""
    return files(__package__).joinpath("queries").joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def read_report(name: str) -> str:
    """Return the text of `reports/NAME.sql`."""
    return files(__package__).joinpath("reports").joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def read_folder(folder: str) -> tuple[tuple[str, str], ...]:
    """Return (name without ending, text) of every SQL file in `folder`, by name."""
    entries = sorted(files(__package__).joinpath(folder).iterdir(), key=lambda entry: entry.name)
    return tuple(
        (entry.name[: -len(".sql")], entry.read_text(encoding="utf-8"))
        for entry in entries
        if entry.name.endswith(".sql")
    )


def split_statements(sql: str) -> Iterator[str]:
    """Yield the statements of `sql` one by one, each with the comments above it. (`executescript` would commit.)"""
    buffer = ""
    for line in sql.splitlines(keepends=True):
        buffer += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(buffer):
            yield buffer.strip()
            buffer = ""
    if buffer.strip():
        yield buffer.strip()
