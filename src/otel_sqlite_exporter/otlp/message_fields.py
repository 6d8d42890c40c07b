# SPDX-License-Identifier: Apache-2.0
"""Reads the fields of one OTLP message in JSON. A field that cannot be read costs itself, and is noted. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_kinds import MessageKind
from otel_sqlite_exporter.otlp.otlp_values import (
    decode_attributes_list,
    decode_double,
    decode_id,
    decode_integer,
    decode_value_or_text,
    show_as_text,
)

_Member = TypeVar("_Member")
_Number = TypeVar("_Number", int, float)
# A key of another form may be a value that went to the wrong place, which nothing may quote.
_IDENTIFIER = re.compile(r"(?:field )?[A-Za-z0-9_]{1,64}")


class MessageFields:
    """The fields of a message. Null stands for a field that is not set, as in protobuf's JSON mapping.

    Raises:
        ValueError: `values` is no JSON object.
    """

    __slots__ = ("_kind", "_values", "alterations")

    def __init__(self, values: Any, kind: MessageKind, alterations: Alterations) -> None:
        if not isinstance(values, dict):
            raise ValueError(f"a {kind.name} is an object")
        self._kind = kind
        self.alterations = alterations
        self._values = values if values.keys() <= kind.present else self._rename(values)

    def note(self, field: str, result: str) -> None:
        """Note that `field` cannot be read, and what became of it."""
        self.alterations.note(f"{field} of a {self._kind.name} {result}")

    def read_text(self, field: str) -> str | None:
        """Return a text, or None if there is none. What is no text is kept as its JSON."""
        value = self._values.get(field)
        if value is None or isinstance(value, str):
            return value
        self.note(field, "is no text: it is kept as its JSON")
        return show_as_text(value)

    def read_integer(self, field: str, high: int = LARGEST, low: int = 0) -> int | None:
        """Return a whole number from `low` to `high`, or None if there is none."""
        value = self._values.get(field)
        if value is None:
            return None
        number = _find_integer(value)
        if number is not None and low <= number <= high:
            return number
        self.note(field, f"is no whole number from {low} to {high}: it is left out")
        return None

    def read_any_integer(self, field: str) -> int | None:
        """Return a whole number of any size, or None if there is none."""
        value = self._values.get(field)
        number = None if value is None else _find_integer(value)
        if number is None and value is not None:
            self.note(field, "is no whole number: it is left out")
        return number

    def read_double(self, field: str) -> float | None:
        """Return a floating-point number, or None if there is none."""
        value = self._values.get(field)
        if value is None or type(value) is float:
            return value
        try:
            return decode_double(value)
        except (ValueError, OverflowError):
            self.note(field, "is no number: it is left out")
            return None

    def read_numbers(self, field: str, decode: Callable[[list[Any]], list[_Number]]) -> list[_Number] | None:
        """Return the numbers in a list as `decode` reads them, or None if one of them cannot be read. A list that is
        not given is empty."""
        values = self._values.get(field)
        if values is None:
            return []
        try:
            if isinstance(values, list):
                return decode(values)
        except (ValueError, OverflowError):
            pass
        self.note(field, "is no list of such numbers: it is left out")
        return None

    def read_flag(self, field: str) -> bool:
        """Return a boolean: False if there is none."""
        value = self._values.get(field)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.note(field, "is no boolean: it is read as false")
        return False

    def read_id(self, field: str, size_bytes: int) -> int:
        """Return an id, or 0 if there is none."""
        try:
            return decode_id(self._values.get(field), size_bytes)
        except ValueError:
            self.note(field, f"is no id of {size_bytes} bytes: it is left out")
            return 0

    def read_member(self, field: str, members: Mapping[Any, _Member], default: _Member) -> _Member:
        """Return a member of an enumeration, which is given as its number or name."""
        value = self._values.get(field)
        if value is None:
            return default
        if isinstance(value, str) and value in members:
            return members[value]
        number = _find_integer(value)
        if number in members:
            return members[number]
        self.note(field, f"is none that OTLP knows: it is read as {getattr(default, 'name', None) or 'not given'}")
        return default

    def read_attributes(self, field: str = "attributes") -> dict[Any, Any]:
        """Return the attributes in a field."""
        try:
            return decode_attributes_list(self._values.get(field), self._note_value)
        except ValueError:
            self.note(field, "are no list: they are left out")
            return {}

    def read_value(self, field: str) -> Any:
        """Return an `AnyValue`."""
        return decode_value_or_text(self._values.get(field), self._note_value)

    def read_message(self, field: str, kind: MessageKind) -> MessageFields | None:
        """Return the fields of the message in a field, or None if there is none."""
        value = self._values.get(field)
        if value is None:
            return None
        try:
            return MessageFields(value, kind, self.alterations)
        except ValueError:
            self.note(field, "is no object: it is left out")
            return None

    def read_messages(self, field: str, kind: MessageKind) -> Iterator[MessageFields]:
        """Yield the fields of each message in a list."""
        values = self._values.get(field)
        if values is None:
            return
        if not isinstance(values, list):
            self.note(field, "is no list: it is left out")
            return
        for value in values:
            try:
                yield MessageFields(value, kind, self.alterations)
            except ValueError:
                self.alterations.note(f"a {kind.name} is no object: it is left out")

    def read_raw(self, field: str) -> Any:
        """Return what stands in a field, unread."""
        return self._values.get(field)

    def _note_value(self, sentence: str) -> None:
        self.alterations.note(f"a value of a {self._kind.name} {sentence}")

    def _rename(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values by the present names of their fields. Two lists of one field become one, as in a message
        that has a field under its old and its new name."""
        renamed: dict[str, Any] = {}
        for key, value in values.items():
            field = self._kind.fields.get(key)
            if field is None:
                if value:
                    named = key if _IDENTIFIER.fullmatch(key) else "a key that is no name"
                    self.alterations.note_unknown(f"{named} of a {self._kind.name}")
                continue
            held = renamed.get(field)
            if isinstance(held, list) and isinstance(value, list):
                renamed[field] = [*held, *value]
            elif held is None or held == value:
                renamed[field] = value
            elif value is not None:
                self.note(field, "is given twice, by names of different age: the first counts")
        return renamed


def _find_integer(value: Any) -> int | None:
    try:
        return decode_integer(value)
    except ValueError:
        return None
