# SPDX-License-Identifier: Apache-2.0
"""Results as data frames, by packages that the base install does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_sqlite_exporter.errors import MissingPackageError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

_PANDAS_TYPES = {int: "Int64", float: "Float64", str: "string"}


class Table:
    """Rows of named, typed columns; a data frame of them holds JSON columns as text, and missing values as null."""

    __slots__ = ()

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return, by column, its type (`str`, `int` or `float`) and its values."""
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """Return a `pandas.DataFrame` with nullable types: nanoseconds stay exact beside missing values.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        package = _import("pandas", "pandas")
        columns = self.to_columns().items()
        frame: pandas.DataFrame = package.DataFrame(
            {name: package.array(list(values), dtype=_PANDAS_TYPES[kind]) for name, (kind, values) in columns}
        )
        return frame

    def to_polars(self) -> polars.DataFrame:
        """Return a `polars.DataFrame`.

        Raises:
            MissingPackageError: polars is not installed.
        """
        package = _import("polars", "polars")
        types = {int: package.Int64, float: package.Float64, str: package.String}
        columns = self.to_columns().items()
        frame: polars.DataFrame = package.DataFrame(
            {name: package.Series(name, values, dtype=types[kind], strict=True) for name, (kind, values) in columns}
        )
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """Return a `pyarrow.Table`.

        Raises:
            MissingPackageError: pyarrow is not installed.
        """
        package = _import("pyarrow", "arrow")
        types = {int: package.int64(), float: package.float64(), str: package.string()}
        columns = self.to_columns().items()
        table: pyarrow.Table = package.table(
            {name: package.array(values, type=types[kind]) for name, (kind, values) in columns}
        )
        return table


def _import(package: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"to_{extra} needs {package}: `pip install 'otel-sqlite-exporter[{extra}]'`"
        ) from error
