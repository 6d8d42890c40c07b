# SPDX-License-Identifier: Apache-2.0
"""What every answer has in common: a record is one row of a view, a page some of them, with where the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar, overload

import orjson

from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.dataframes import Table

RecordT = TypeVar("RecordT", bound="Record")
_TYPES = {"str": str, "int": int, "float": float}
_SHOWN = 60
_SHOWN = 60
_known_fields: dict[type[Any], Mapping[str, type]] = {}


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """A row of a view. Fields that hold JSON are its text, as in the file."""

    VIEW: ClassVar[str]
    ATTRIBUTES: ClassVar[str] = "attributes"
    JSON: ClassVar[frozenset[str]] = frozenset(("attributes", "attribute_types"))

    def __repr__(self) -> str:
        """Show every field that has a value, long ones cut."""
        values = ((name, getattr(self, name)) for name in field_types(type(self)))
        shown = ", ".join(f"{name}={_cut(value)}" for name, value in values if value is not None)
        return f"{type(self).__name__}({shown})"

    @classmethod
    def from_row(cls: type[RecordT], row: Mapping[str, Any]) -> RecordT:
        """Return the record of a row, by the names of its columns; those it has beyond the fields are passed over."""
        return cls(**{name: row.get(name) for name in field_types(cls)})

    def attribute(self, key: str, default: Any = None) -> Any:
        """Return the attribute `key` as it was recorded (bytes and NaN too), or `default`."""
        text = getattr(self, self.ATTRIBUTES)
        if text is None:
            return default
        return decode_attributes(text, getattr(self, "attribute_types", None)).get(key, default)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, with JSON objects and arrays decoded: all of it can be written as JSON."""
        values = {name: getattr(self, name) for name in field_types(type(self))}
        return {name: _decode(value) if name in self.JSON else value for name, value in values.items()}


def field_types(record: type[Record]) -> Mapping[str, type]:
    """Return the fields of a class of records in order, with `str`, `int` or `float` for each."""
    if record not in _known_fields:
        _known_fields[record] = {field.name: _TYPES[str(field.type).partition(" ")[0]] for field in fields(record)}
    return _known_fields[record]


@dataclass(frozen=True, slots=True)
class Page(Table, Sequence[RecordT], Generic[RecordT]):
    """Some of the records that were asked for, in order.

    Attributes:
        records: These.
        total: How many there are on all pages together; None where counting them would take long.
        cursor: What to ask with for the next page; None: this is the last one.
    """

    kind: type[RecordT]
    records: tuple[RecordT, ...]
    total: int | None
    cursor: str | None

    def __len__(self) -> int:
        """How many are on this page."""
        return len(self.records)

    def __iter__(self) -> Iterator[RecordT]:
        """Go through the records in order."""
        return iter(self.records)

    @overload
    def __getitem__(self, index: int) -> RecordT: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RecordT, ...]: ...
    def __getitem__(self, index: int | slice) -> RecordT | tuple[RecordT, ...]:
        """Return the record at `index`, or some."""
        return self.records[index]

    def describe(self) -> str:
        """Return how much of the whole this is: `50 of 1,234`, or `50 of more`."""
        return f"{len(self):,} of {'more' if self.total is None else f'{self.total:,}'}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return `to_dict` of each record."""
        return [record.to_dict() for record in self.records]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return, by column, its type and its values."""
        return {
            name: (type_, [getattr(record, name) for record in self.records])
            for name, type_ in field_types(self.kind).items()
        }


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _decode(text: Any) -> Any:
    if isinstance(text, str) and text[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text
