# SPDX-License-Identifier: Apache-2.0
"""What all models have in common: they take their columns from the rows of `query.summaries`, cannot be written, and
give attributes by key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar, NoReturn

from sqlalchemy import ColumnElement, Float, Integer, String, and_, case, event, func, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import DeclarativeBase, Mapper, foreign, mapped_column, relationship
from sqlalchemy.orm.attributes import InstrumentedAttribute

from otel_sqlite_exporter.errors import ReadOnlyError
from otel_sqlite_exporter.model.values import decode_attributes, get_attribute_path
from otel_sqlite_exporter.query.pages import ViewRow, field_types

_SQL_TYPES = {str: String, int: Integer, float: Float}
_COUNTS = {"traces": "trace_count", "spans": "span_count", "logs": "log_count", "scores": "score_count"}
"""Columns whose names are those of relationships, and the names of their fields."""


class Model(DeclarativeBase):
    """A row of a public view. Its fields are the columns of the view; JSON is text, as in the file."""

    ATTRIBUTES: ClassVar[str] = "attributes"
    """The column that `attribute` reads."""

    def _get_attribute(self, key: str) -> Any:
        """Return the attribute `key` as it was recorded (bytes and NaN too), or None. In a query, on the class: an
        expression for its value in SQLite, where true is 1 and an array is JSON text."""
        text = getattr(self, self.ATTRIBUTES)
        if text is None:
            return None
        return decode_attributes(text, getattr(self, "attribute_types", None)).get(key)

    def _build_attribute(cls, key: str) -> ColumnElement[Any]:  # noqa: N805
        column: InstrumentedAttribute[str | None] = getattr(cls, cls.ATTRIBUTES)
        path = get_attribute_path(key)
        if path is not None:
            return func.json_extract(column, path)
        pair = func.json_each(column).table_valued("key", "atom")
        found = select(pair.c.atom).where(pair.c.key == key).scalar_subquery()
        # A query that uses nothing else of the view gets it into its FROM only by a column outside the subquery.
        return case((column.is_not(None), found))

    attribute = hybrid_method(_get_attribute, _build_attribute)


def map_columns(row_type: type[ViewRow], *key: str) -> type:
    """Return a mixin with the columns of a view, as `row_type` declares them. The `key` columns identify a row."""
    types = field_types(row_type)
    columns = {
        _COUNTS.get(field.name, field.name): mapped_column(
            field.name,
            _SQL_TYPES[types[field.name]],
            primary_key=field.name in key,
            nullable=str(field.type).endswith("None"),
        )
        for field in fields(row_type)
    }
    return type("Columns", (), {"__tablename__": row_type.VIEW, "ATTRIBUTES": row_type.ATTRIBUTES, **columns})


def related_by(condition: Callable[[], ColumnElement[bool]], **options: Any) -> Any:
    """Return a read-only relationship. Views have no foreign keys, so `condition` marks the column on the side with
    many rows by `foreign()`."""
    return relationship(primaryjoin=condition, viewonly=True, **options)


def listed(one: Callable[[], Any], many: Callable[[], Any], *key: str, order: str = "start_time_unix_nano") -> Any:
    """Return a read-only relationship from one row to the rows of a model that have the same `key`, by `order`."""
    return related_by(
        lambda: and_(*(getattr(one(), column) == foreign(getattr(many(), column)) for column in key)),
        order_by=lambda: getattr(many(), order),
    )


def _refuse(mapper: Mapper[Any], connection: object, target: Model) -> NoReturn:
    raise ReadOnlyError(
        f"{type(target).__name__} is a row of the view {mapper.local_table} and can only be read: "
        "only exporters and imports write to the file"
    )


for _moment in ("before_insert", "before_update", "before_delete"):
    event.listen(Model, _moment, _refuse, propagate=True)
