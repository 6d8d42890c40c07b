# SPDX-License-Identifier: Apache-2.0
"""Loads pyarrow and DuckDB, which the extra `archive` installs, only where a dataset is used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from otel_sqlite_exporter.errors import MissingPackageError

_INSTALL = "`pip install 'otel-sqlite-exporter[archive]'`"


def load_pyarrow() -> ModuleType:
    """Return the module `pyarrow`, with `pyarrow.compute` and `pyarrow.parquet` loaded.

    Raises:
        MissingPackageError: It is not installed.
    """
    for part in ("pyarrow.compute", "pyarrow.parquet"):
        _load(part)
    return _load("pyarrow")


def list_pyarrow_errors() -> tuple[type[Exception], ...]:
    """Return what pyarrow raises where it cannot read a file. Of a name that is not UTF-8, that is a ValueError.

    Raises:
        MissingPackageError: It is not installed.
    """
    return OSError, ValueError, load_pyarrow().ArrowException


def load_duckdb() -> ModuleType:
    """Return the module `duckdb`.

    Raises:
        MissingPackageError: It is not installed.
    """
    return _load("duckdb")


def list_duckdb_errors() -> tuple[type[Exception], ...]:
    """Return what DuckDB raises where it cannot run a statement. If it says what is not UTF-8, Python cannot read it.

    Raises:
        MissingPackageError: It is not installed.
    """
    return load_duckdb().Error, UnicodeDecodeError


def describe_error(error: Exception) -> str:
    """Return what an error of DuckDB says, as a part of a sentence."""
    said = str(error).partition("\n\nLINE ")[0].partition(": ")[2] or str(error)
    return " ".join(said.split())


def _load(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"a dataset needs {name.partition('.')[0]}: {_INSTALL}") from error
