# SPDX-License-Identifier: Apache-2.0
"""Rows of views, pages of them, and what every answer of many rows offers, data frames included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

import orjson

from otel_sqlite_exporter.errors import MissingPackageError
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.notebooks import notebook_rows

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

RowT = TypeVar("RowT", bound="ViewRow")
_TYPES = {"str": str, "int": int, "float": float}
_field_types: dict[type[Any], Mapping[str, type]] = {}
_SHOWN_CHARACTERS = 60
_FORMULAS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_LEVELS = 254  # more orjson does not write; Python's `json` fails near 1,000, with what called it
_PANDAS_TYPES = {int: "Int64", float: "Float64", str: "string"}


class PartialAnswer(Sized):
    """Rows out of a larger whole. `total` counts the whole; None: it was not counted."""

    __slots__ = ()
    total: int | None

    def describe(self) -> str:
        """Return how much of the whole this is: `50 of 1,234`, or `50 of more`."""
        return f"{len(self):,} of {'more' if self.total is None else f'{self.total:,}'}"


class ResultTable(PartialAnswer):
    """Rows with named, typed columns. In a data frame, JSON columns are text, and missing values are null."""

    __slots__ = ()

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return the type (`str`, `int` or `float`) and the values of each column."""
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """Return a `pandas.DataFrame` with nullable types: nanoseconds stay exact beside missing values.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        package = _import("pandas", "pandas")
        columns = self.to_columns().items()
        frame: pandas.DataFrame = package.DataFrame(
            {name: package.array(list(values), dtype=_PANDAS_TYPES[type_]) for name, (type_, values) in columns}
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
            {name: package.Series(name, values, dtype=types[type_], strict=True) for name, (type_, values) in columns}
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
            {name: package.array(values, type=types[type_]) for name, (type_, values) in columns}
        )
        return table


class TableResult(ResultTable):
    """Rows as tuples of the values of `columns`."""

    __slots__ = ()
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return the type and the values of each column."""
        columns = {column: [row[index] for row in self.rows] for index, column in enumerate(self.columns)}
        return {column: (_find_type(values), values) for column, values in columns.items()}


@dataclass(frozen=True, slots=True, repr=False)
class ViewRow:
    """A row of a view. Fields that hold JSON are its text, as in the file. A trailing column that an older file lacks
    is None."""

    VIEW: ClassVar[str]
    ATTRIBUTES: ClassVar[str] = "attributes"
    """The column that `attribute` reads."""
    JSON: ClassVar[frozenset[str]] = frozenset(("attributes", "attribute_types"))
    """The columns that hold JSON."""

    def __repr__(self) -> str:
        """Show every field that has a value; long values are cut."""
        values = ((name, getattr(self, name)) for name in field_types(type(self)))
        shown = ", ".join(f"{name}={_cut(value)}" for name, value in values if value is not None)
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        return notebook_rows.show_row(self.VIEW, self)

    @classmethod
    def from_row(cls: type[RowT], row: Mapping[str, Any]) -> RowT:
        """Return the record of a row, given by column name. Columns that are not fields are ignored."""
        return cls(**{name: row.get(name) for name in field_types(cls)})

    def attribute(self, key: str, default: Any = None) -> Any:
        """Return the attribute `key` as it was recorded (bytes and NaN too), or `default`."""
        text = getattr(self, self.ATTRIBUTES)
        if text is None:
            return default
        return decode_attributes(text, getattr(self, "attribute_types", None)).get(key, default)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, ready to be written as JSON: JSON of up to 254 levels is decoded."""
        values = {name: getattr(self, name) for name in field_types(type(self))}
        return {
            name: decode_json(value, is_json=name == "body") if name in self.JSON else value
            for name, value in values.items()
        }


def field_types(row_type: type[Any]) -> Mapping[str, type]:
    """Return the type of each field of a dataclass (`str`, `int` or `float`), in order."""
    if row_type not in _field_types:
        types = {field.name: _TYPES[str(field.type).partition(" ")[0]] for field in fields(row_type)}
        _field_types[row_type] = types
    return _field_types[row_type]


def quote_formula(text: str) -> str:
    """Return the quote before a text in CSV that keeps a spreadsheet from taking it for a formula; empty: it needs
    none."""
    return "'" if text and text[0] in _FORMULAS else ""


def read_columns(row_type: type[Any], rows: Sequence[Any]) -> Mapping[str, tuple[type, Sequence[Any]]]:
    """Return the type and the values of each field of some rows."""
    return {name: (type_, [getattr(row, name) for row in rows]) for name, type_ in field_types(row_type).items()}


@dataclass(frozen=True, slots=True)
class Page(ResultTable, Sequence[RowT], Generic[RowT]):
    """One page of a list, in the order of the list.

    Attributes:
        row_type: The class of the records.
        records: The records of this page.
        total: The number of records on all pages; None: counting them takes too long.
        cursor: Pass it to the same method to get the next page; None: this is the last page.
    """

    row_type: type[RowT]
    records: tuple[RowT, ...]
    total: int | None
    cursor: str | None

    def __len__(self) -> int:
        """Return the number of records on this page."""
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> RowT: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RowT, ...]: ...
    def __getitem__(self, index: int | slice) -> RowT | tuple[RowT, ...]:
        """Return the record at `index`, or the records of a slice."""
        return self.records[index]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return `to_dict` of each record."""
        return [record.to_dict() for record in self.records]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return the type and the values of each column."""
        return read_columns(self.row_type, self.records)

    def _repr_html_(self) -> str:
        return notebook_rows.show_page(self.row_type.VIEW, self.records, self.describe())


def _import(package: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"to_{extra} needs {package}: `pip install 'otel-sqlite-exporter[{extra}]'`"
        ) from error


def _find_type(values: Sequence[Any]) -> type:
    types = {type(value) for value in values}
    return str if str in types or types <= {type(None)} else float if float in types else int


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def decode_json(text: Any, *, is_json: bool = False) -> Any:
    """Return the value of a text that `is_json`, or that holds an object or an array; any other as it is, and also JSON
    of more than 254 levels."""
    # A body is always JSON; other columns may hold text that only looks like a JSON number or string.
    if isinstance(text, str) and (is_json or text[:1] in ("{", "[")):
        try:
            value = orjson.loads(text)
            if text.count("{") + text.count("[") > _LEVELS:
                orjson.dumps(value)
            return value
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            return text
    return text
