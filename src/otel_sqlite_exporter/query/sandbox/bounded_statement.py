# SPDX-License-Identifier: Apache-2.0
"""Runs a statement of somebody who is not at this machine, or of a program that acts on what it reads: bounded in time,
rows, bytes and depth, in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.sandbox.statement import Parameters
from otel_sqlite_exporter.query.sandbox.statement_limits import BoundedResult, StatementLimits
from otel_sqlite_exporter.query.sandbox.statement_processes import ask_process


def run_bounded_statement(
    path: str,
    text: str,
    parameters: Parameters = (),
    limits: StatementLimits | None = None,
    *,
    busy_timeout_ms: int = 1_000,
) -> BoundedResult:
    """Run one statement that reads the views of the file at `path`. Placeholders (`?`, `:name`) have the values of
    `parameters`: a list or a mapping.

    Raises:
        FilterError: The statement (`sql`), a parameter or a limit cannot be used, or it takes too long or too much
            memory.
        FileRefusedError: The file is missing, damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long; or no process can be started.
    """
    _check_parameters(parameters)
    if not _is_text(text):
        raise FilterError("sql", "it is not Unicode")
    bounds = limits or StatementLimits()
    given = dict(parameters) if isinstance(parameters, Mapping) else [*parameters]
    asked = {"path": path, "busy_timeout_ms": busy_timeout_ms, "sql": text, "parameters": given}
    found = ask_process({**asked, "limits": asdict(bounds)}, bounds.timeout_s)
    return BoundedResult(**{**found, "columns": tuple(found["columns"]), "rows": tuple(map(tuple, found["rows"]))})


def _check_parameters(parameters: Any) -> None:
    if not isinstance(parameters, (list, tuple, Mapping)):
        raise FilterError("parameters", "give a list, or an object with names")
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    for value in values:
        is_usable = value is None or isinstance(value, str | float) or (type(value) in (int, bool))
        if not is_usable or (type(value) is int and not -(2**63) <= value < 2**63):
            raise FilterError("parameters", "a value is null, true, false, a text, or a number of up to 64 bits")
        if isinstance(value, str) and not _is_text(value):
            raise FilterError("parameters", "a text is not Unicode")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
