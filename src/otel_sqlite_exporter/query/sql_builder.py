# SPDX-License-Identifier: Apache-2.0
"""The one place where SQL is assembled: a page of a view, its count, and a cursor to the next page.

Only names that stand in this module become part of the text; every value, keys of attributes included, is bound.
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.values import get_attribute_path
from otel_sqlite_exporter.query.askable_views import Kind
from otel_sqlite_exporter.query.filter_values import (
    AttributeCondition,
    fold_id,
    parse_attributes,
    parse_number,
    parse_texts,
    parse_time,
)


class Select(NamedTuple):
    """A statement and what is bound to it."""

    sql: str
    parameters: dict[str, Any]


def build_page(
    kind: Kind[Any], criteria: Mapping[str, Any], *, limit: int, cursor: str | None = None, newest_first: bool = True
) -> Select:
    """Return the statement for `limit` records that meet all `criteria`, after the one that `cursor` names.

    Raises:
        FilterError: A keyword is not known, or its value cannot be used.
    """
    check_limit(limit)
    conditions, parameters = _build_conditions(kind, criteria)
    if cursor is not None:
        after, values = _build_after(kind, cursor, newest_first)
        conditions.append(after)
        parameters |= values
    direction = "DESC" if newest_first else "ASC"
    order = ", ".join(f"{column} {direction}" for column in kind.order)
    sql = f"SELECT *\nFROM {kind.record.VIEW}{_where(conditions)}\nORDER BY {order}\nLIMIT :limit"
    return Select(sql, parameters | {"limit": limit})


def check_limit(limit: Any) -> int:
    """Return a number of records.

    Raises:
        FilterError: It is none.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit < 2**31:
        raise FilterError("limit", f"{limit!r} is no number of records, 1 or more")
    return limit


def build_count(kind: Kind[Any], criteria: Mapping[str, Any]) -> Select:
    """Return the statement that counts the records that meet all `criteria`.

    Raises:
        FilterError: A keyword is not known, or its value cannot be used.
    """
    conditions, parameters = _build_conditions(kind, criteria)
    if not conditions:
        return Select(f"SELECT {kind.record.VIEW}\nFROM row_counts", {})
    return Select(f"SELECT count(*)\nFROM {kind.record.VIEW}{_where(conditions)}", parameters)


def build_ids(kind: Kind[Any], column: str, beginning: str, criteria: Mapping[str, Any], *, limit: int) -> Select:
    """Return the statement for up to `limit` values of a column that begin so, in order.

    Raises:
        FilterError: A keyword is not known, or its value cannot be used.
    """
    conditions, parameters = _build_conditions(kind, criteria)
    conditions += [f"{column} >= :beginning", f"{column} < :beyond"]
    sql = f"SELECT DISTINCT {column}\nFROM {kind.record.VIEW}{_where(conditions)}\nORDER BY {column}\nLIMIT :limit"
    beyond = f"{beginning}{chr(sys.maxunicode)}"
    return Select(sql, parameters | {"beginning": beginning, "beyond": beyond, "limit": limit})


def build_chosen(kind: Kind[Any], columns: Sequence[str], criteria: Mapping[str, Any], *, ids: str) -> Select:
    """Return the statement for the rows with these ids (a JSON array) that meet all `criteria`, the latest written
    first.

    Raises:
        FilterError: A keyword is not known, or its value cannot be used.
    """
    conditions, parameters = _build_conditions(kind, criteria)
    conditions = ["id IN (SELECT value FROM json_each(:ids))", *conditions]
    sql = f"SELECT {', '.join(columns)}\nFROM {kind.record.VIEW}{_where(conditions)}\nORDER BY id DESC"
    return Select(sql, parameters | {"ids": ids})


def build_newest(
    kind: Kind[Any], columns: Sequence[str], criteria: Mapping[str, Any], *, after: int, limit: int
) -> Select:
    """Return the statement for the `limit` rows that were written last, with ids above `after`, and meet all
    `criteria`.

    Raises:
        FilterError: A keyword is not known, or its value cannot be used.
    """
    conditions, parameters = _build_conditions(kind, criteria)
    conditions = ["id > :after", *conditions]
    sql = f"SELECT {', '.join(columns)}\nFROM {kind.record.VIEW}{_where(conditions)}\nORDER BY id DESC\nLIMIT :limit"
    return Select(sql, parameters | {"after": after, "limit": limit})


def encode_cursor(kind: Kind[Any], row: Mapping[str, Any], *, newest_first: bool) -> str:
    """Return the cursor to what comes after `row`."""
    place = [kind.record.VIEW, newest_first, *(row[column] for column in kind.order)]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _build_after(kind: Kind[Any], cursor: str, newest_first: bool) -> tuple[str, dict[str, Any]]:
    place = _decode_cursor(cursor)
    values = [value for value in place[2:] if type(value) is int and abs(value) < 2**63]
    if place[:2] != [kind.record.VIEW, newest_first] or len(values) != len(kind.order) or len(place) > 2 + len(values):
        raise FilterError("cursor", "give one that a page of the same list, in the same order, has given")
    names = [f"after_{number}" for number in range(len(values))]
    columns, bound = ", ".join(kind.order), ", ".join(f":{name}" for name in names)
    return f"({columns}) {'<' if newest_first else '>'} ({bound})", dict(zip(names, values, strict=True))


def _decode_cursor(cursor: str) -> list[Any]:
    try:
        text = base64.urlsafe_b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}")
        place = json.loads(text)
    except (TypeError, ValueError, binascii.Error):
        place = None
    return place if isinstance(place, list) else []


def _build_conditions(kind: Kind[Any], criteria: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    for argument, value in criteria.items():
        if value is None:
            continue
        builder = _find_builder(kind, argument)
        conditions += builder(argument, value, parameters)
    return conditions, parameters


_Builder = Callable[[str, Any, dict[str, Any]], list[str]]


def accepted_arguments(kind: Kind[Any]) -> list[str]:
    """Return the keywords that `kind` can be asked by."""
    minima = [f"min_{column}" for column in kind.minima]
    return ["since", "until", *kind.texts, *kind.call_texts, *minima, "attributes"]


def _find_builder(kind: Kind[Any], argument: str) -> _Builder:
    if argument in kind.texts:
        return lambda name, value, parameters: _build_texts(name, value, parameters, kind.texts[name])
    if argument in kind.call_texts:
        calls = (
            f"SELECT 1 FROM complete_llm_interactions AS i WHERE i.{kind.calls_by} = {kind.record.VIEW}.{kind.calls_by}"
        )
        return lambda name, value, parameters: [
            f"EXISTS ({calls} AND i.{condition})" for condition in _build_texts(name, value, parameters, ())
        ]
    if argument in ("since", "until"):
        column, sign = (kind.since, ">=") if argument == "since" else (kind.until, "<")
        return lambda name, value, parameters: _build_time(name, value, parameters, f"{column} {sign}")
    if argument.startswith("min_") and argument[4:] in kind.minima:
        return _build_minimum
    if argument == "attributes":
        column = kind.record.ATTRIBUTES
        return lambda name, value, parameters: [
            _build_attribute(column, condition, parameters, number)
            for number, condition in enumerate(parse_attributes(name, value))
        ]
    raise FilterError(argument, f"{kind.record.VIEW} cannot be asked by it: give {', '.join(accepted_arguments(kind))}")


def _build_texts(argument: str, value: Any, parameters: dict[str, Any], choices: tuple[str, ...]) -> list[str]:
    texts = [fold_id(argument, text) for text in parse_texts(argument, value, choices)]
    if len(texts) == 1:
        parameters[argument] = texts[0]
        return [f"{argument} = :{argument}"]
    parameters[argument] = json.dumps(texts)
    return [f"{argument} IN (SELECT value FROM json_each(:{argument}))"]


def _build_time(argument: str, value: Any, parameters: dict[str, Any], comparison: str) -> list[str]:
    parameters[argument] = parse_time(argument, value)
    return [f"{comparison} :{argument}"]


def _build_minimum(argument: str, value: Any, parameters: dict[str, Any]) -> list[str]:
    parameters[argument] = parse_number(argument, value)
    return [f"{argument[4:]} >= :{argument}"]


def _build_attribute(column: str, condition: AttributeCondition, parameters: dict[str, Any], number: int) -> str:
    key, operator, value = condition
    name, wanted = f"key_{number}", f"value_{number}"
    path = get_attribute_path(key)
    if path is None:
        parameters[name] = key
        found = f"FROM json_each({column}) AS a WHERE a.key = :{name}"
        type_, held = f"(SELECT a.type {found})", f"(SELECT a.atom {found})"
    else:
        parameters[name] = path
        type_, held = f"json_type({column}, :{name})", f"{column} ->> :{name}"
    if operator == "exists":
        return f"{type_} IS {'NOT ' if value else ''}NULL"
    if isinstance(value, bool):
        parameters[wanted] = "true" if value else "false"
        return f"{type_} {operator} :{wanted}"
    parameters[wanted] = value
    # SQLite orders all numbers before all texts: they are not compared with each other.
    types = "'text'" if isinstance(value, str) else "'integer', 'real'"
    if operator == "!=":
        return f"{type_} IS NOT NULL AND NOT ({type_} IN ({types}) AND {held} = :{wanted})"
    return f"{type_} IN ({types}) AND {held} {operator} :{wanted}"


def _where(conditions: list[str]) -> str:
    return "".join(f"\n{'AND' if number else 'WHERE'} {condition}" for number, condition in enumerate(conditions))
