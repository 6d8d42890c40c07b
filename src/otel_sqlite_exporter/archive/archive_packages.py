# SPDX-License-Identifier: Apache-2.0
"""Loads pyarrow and DuckDB, which the extra `archive` installs, only where a dataset is used."""

from __future__ import annotations

from types import ModuleType

from otel_sqlite_exporter.errors import MissingPackageError

_INSTALL = "`pip install 'otel-sqlite-exporter[archive]'`"


def load_pyarrow() -> ModuleType:
    """Return the module `pyarrow`, with `pyarrow.compute` and `pyarrow.parquet` loaded.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPackageError(f"a dataset needs pyarrow: {_INSTALL}") from error
    return pyarrow


def load_duckdb() -> ModuleType:
    """Return the module `duckdb`.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingPackageError(f"a dataset needs duckdb: {_INSTALL}") from error
    return duckdb
