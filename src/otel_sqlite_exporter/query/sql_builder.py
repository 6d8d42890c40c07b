# SPDX-License-Identifier: Apache-2.0
"""Builds the SQL of lists: a page of a view, its count, a cursor to the next page. `condition_writer` writes the
conditions, and no other module assembles SQL.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import SORTS, AskableView
from otel_sqlite_exporter.query.conditions.condition_trees import NumberCondition
from otel_sqlite_exporter.query.conditions.condition_writer import ConditionWriter
from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_conditions
from otel_sqlite_exporter.query.indexes.indexed_filters import Among
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position

ERROR_TYPE_ALONE = (
    """iif(status = 'error', json_object('error.type', attributes ->> '$."error.type"'), NULL) AS attributes"""
)
"""In place of the attributes of a span: of one that failed, the type of its error."""


class Select(NamedTuple):
    """A statement and its parameters."""

    sql: str
    parameters: dict[str, Any]


def build_page(
    view: AskableView[Any],
    filters: Mapping[str, Any],
    *,
    limit: int,
    cursor: str | None = None,
    newest_first: bool = True,
    sort: str = "start",
    among: Among | None = None,
    columns: Sequence[str] = ("*",),
) -> Select:
    """Return the statement for `columns` of the first `limit` rows that meet all `filters`, after the row that `cursor`
    marks, in the order of the list, or with the largest of `sort` first. An index says which rows these are `among`.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    check_limit(limit)
    conditions, parameters = _build_conditions(view, filters)
    direction = "DESC" if newest_first else "ASC"
    if among is not None and (among.are_few or sort != "start"):
        _add_among(among, conditions, parameters)
    else:
        among = None
    if sort != "start":
        order = _order_by(view, sort, direction, has_cursor=bool(cursor))
        return _build_whole(view, conditions, order, parameters | {"limit": limit}, columns)
    if cursor is not None:
        after, values = _build_after(view, cursor, newest_first)
        conditions.append(after)
        parameters |= values
    parameters["limit"] = limit
    order = ", ".join(f"{column} {direction}" for column in view.order)
    if among is not None:
        return _build_whole(view, conditions, order, parameters, columns)
    sql = f"SELECT {', '.join(columns)}\nFROM {view.name}{_where(conditions)}\nORDER BY {order}\nLIMIT :limit"
    return Select(sql, parameters)


def _order_by(view: AskableView[Any], sort: Any, direction: str, *, has_cursor: bool) -> str:
    """Return the order of a list that has one page."""
    known = [name for name, column in SORTS.items() if column in field_types(view.row_type)]
    if sort not in known:
        raise FilterError("sort", f"{view.name} cannot be sorted by {sort!r}: give {', '.join(known)}")
    if has_cursor:
        raise FilterError("cursor", f"a list by {sort} has one page: leave out the cursor, or give a higher limit")
    return f"{SORTS[sort]} {direction} NULLS LAST, {', '.join(f'{column} {direction}' for column in view.order)}"


def _build_whole(
    view: AskableView[Any], conditions: list[str], order: str, parameters: dict[str, Any], columns: Sequence[str]
) -> Select:
    """Return the statement that sorts the rows of which no index holds the order, and reads only those of the page
    whole."""
    first = f"SELECT id\nFROM {view.name}{_where(conditions)}\nORDER BY {order}\nLIMIT :limit"
    return Select(f"SELECT {', '.join(columns)}\nFROM {view.name}\nWHERE id IN ({first})\nORDER BY {order}", parameters)


def _add_among(among: Among | None, conditions: list[str], parameters: dict[str, Any]) -> None:
    if among is not None:
        conditions.insert(0, f"id IN ({among.sql})")
        parameters |= among.parameters


def check_limit(limit: Any) -> int:
    """Return a number of rows.

    Raises:
        FilterError: It is not an integer from 1 to 2**31 - 1.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit < 2**31:
        raise FilterError("limit", f"{limit!r} is not a number of rows: give an integer from 1 to {2**31 - 1}")
    return limit


def build_count(view: AskableView[Any], filters: Mapping[str, Any], among: Among | None = None) -> Select:
    """Return the statement that counts the rows that meet all `filters`. An index says which rows these are `among`.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    asked = read_conditions(view, filters)
    if not asked:
        return Select(f"SELECT {view.name}\nFROM row_counts", {})
    if asked == [NumberCondition("counted", "=", True)]:
        return Select(f"SELECT counted_{view.name.removeprefix('complete_')}\nFROM row_counts", {})
    conditions, parameters = _build_conditions(view, filters)
    _add_among(among, conditions, parameters)
    return Select(f"SELECT count(*)\nFROM {view.name}{_where(conditions)}", parameters)


def build_ids(view: AskableView[Any], column: str, prefix: str, filters: Mapping[str, Any], *, limit: int) -> Select:
    """Return the statement for the first `limit` distinct values of `column` that start with `prefix`, in order.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    conditions, parameters = _build_conditions(view, filters)
    conditions += [f"{column} >= :prefix", f"{column} < :beyond"]
    sql = f"SELECT DISTINCT {column}\nFROM {view.name}{_where(conditions)}\nORDER BY {column}\nLIMIT :limit"
    return Select(sql, parameters | {"prefix": prefix, "beyond": f"{prefix}{chr(sys.maxunicode)}", "limit": limit})


def build_prefixed(view: AskableView[Any], column: str, prefix: str, *, limit: int) -> Select:
    """Return the statement for the first `limit` rows whose id in `column` starts with `prefix`, in order of the id."""
    where = _where([f"{column} >= :prefix", f"{column} < :beyond"])
    sql = f"SELECT *\nFROM {view.name}{where}\nORDER BY {column}\nLIMIT :limit"
    return Select(sql, {"prefix": prefix, "beyond": f"{prefix}{chr(sys.maxunicode)}", "limit": limit})


def build_newest(
    view: AskableView[Any],
    columns: Sequence[str],
    filters: Mapping[str, Any],
    *,
    after: int = 0,
    among: str | None = None,
    limit: int,
) -> Select:
    """Return the statement for the `limit` rows with the highest ids, above `after` or `among` these (a JSON array),
    that meet all `filters`.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    conditions, parameters = _build_conditions(view, filters)
    conditions = ["id > :after" if among is None else "id IN (SELECT value FROM json_each(:among))", *conditions]
    sql = f"SELECT {', '.join(columns)}\nFROM {view.name}{_where(conditions)}\nORDER BY id DESC\nLIMIT :limit"
    return Select(sql, parameters | {"after": after, "among": among, "limit": limit})


def encode_cursor(
    view: AskableView[Any], row: Mapping[str, Any], *, newest_first: bool, moment: int | None = None
) -> str:
    """Return the cursor to the rows after `row`. `moment` is the end of what runs on this page, if the end is the
    order."""
    moments = [] if moment is None else [moment]
    return encode_position([view.name, newest_first, *(row[column] for column in view.order), *moments])


def read_moment(view: AskableView[Any], cursor: str | None) -> int | None:
    """Return the moment of the page that gave `cursor`."""
    rest = [] if cursor is None else decode_position(cursor)[2 + len(view.order) :]
    return rest[0] if len(rest) == 1 and type(rest[0]) is int else None


def _build_after(view: AskableView[Any], cursor: str, newest_first: bool) -> tuple[str, dict[str, Any]]:
    position = decode_position(cursor)
    values = [value for value in position[2:] if type(value) is int]
    expected = [view.name, newest_first, *values]
    if position != expected or len(values) - len(view.order) not in ((0, 1) if view.is_ordered_by_end else (0,)):
        raise FilterError(
            "cursor", "it is not from a page of this list in this order: give the `cursor` of such a page"
        )
    names = [f"after_{number}" for number in range(len(view.order))]
    columns, bound = ", ".join(view.order), ", ".join(f":{name}" for name in names)
    return f"({columns}) {'<' if newest_first else '>'} ({bound})", dict(zip(names, values, strict=False))


def _build_conditions(view: AskableView[Any], filters: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    parameters: dict[str, Any] = {}
    writer = ConditionWriter(view, parameters)
    return [writer.write(condition) for condition in read_conditions(view, filters)], parameters


def _where(conditions: list[str]) -> str:
    return "".join(f"\n{'AND' if number else 'WHERE'} {condition}" for number, condition in enumerate(conditions))
