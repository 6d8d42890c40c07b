# SPDX-License-Identifier: Apache-2.0
"""Reads the SQL that this package ships as data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_ENDING = ".sql"


@cache
def read_query(name: str) -> str:
    """Return the text of `queries/*/NAME.sql`; the name of a query stands in one folder only."""
    return _find_queries()[name].read_text(encoding="utf-8")


@cache
def read_report(name: str) -> str:
    """Return the text of `reports/NAME.sql`."""
    return files(__package__).joinpath("reports").joinpath(f"{name}{_ENDING}").read_text(encoding="utf-8")


@cache
def read_engine_text(engine: str, kind: str, name: str) -> str:
    """Return the text of `engines/ENGINE/KIND/NAME.sql`; kind is the folder of what reads it."""
    folder = files(__package__).joinpath("engines").joinpath(engine).joinpath(kind)
    return folder.joinpath(f"{name}{_ENDING}").read_text(encoding="utf-8")


@cache
def read_engine_tables(engine: str, name: str) -> str:
    """Return the text of `engines/ENGINE/NAME.sql`: tables for the views of an engine, or what fills them."""
    return (
        files(__package__).joinpath("engines").joinpath(engine).joinpath(f"{name}{_ENDING}").read_text(encoding="utf-8")
    )


def read_format(name: str) -> str:
    """Return the text of `formats/NAME.sql`: recognises the files of another program."""
    return dict(read_folder("formats"))[name]


@cache
def read_folder(folder: str) -> tuple[tuple[str, str], ...]:
    """Return (name without ending, text) of every SQL file in `folder` and the folders in it, by name."""
    found = _find_files(files(__package__).joinpath(folder))
    return tuple(sorted((file.name.removesuffix(_ENDING), file.read_text(encoding="utf-8")) for file in found))


@cache
def split_statements(sql: str) -> tuple[str, ...]:
    """Return the statements of `sql` in order, each with the comments above it. (`executescript` would commit.)"""
    statements: list[str] = []
    buffer = ""
    for line in sql.splitlines(keepends=True):
        buffer += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(buffer):
            statements.append(buffer.strip())
            buffer = ""
    if buffer.strip():
        statements.append(buffer.strip())
    return tuple(statements)


@cache
def _find_queries() -> dict[str, Traversable]:
    return {file.name.removesuffix(_ENDING): file for file in _find_files(files(__package__).joinpath("queries"))}


def _find_files(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _find_files(entry)
        elif entry.name.endswith(_ENDING):
            yield entry
