# SPDX-License-Identifier: Apache-2.0
"""What all models have in common: they cannot be written, and their attributes can be asked for by key."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from sqlalchemy import ColumnElement, case, event, func, select
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import DeclarativeBase, Mapper, relationship
from sqlalchemy.orm.attributes import InstrumentedAttribute

from otel_sqlite_exporter.errors import ReadOnlyError
from otel_sqlite_exporter.model.values import decode_attributes, get_attribute_path


class Model(DeclarativeBase):
    """A row of a public view. Fields are the view's columns, and hold JSON as its text, as in the file."""

    ATTRIBUTES: ClassVar[str] = "attributes"
    """The column that `attribute` reads."""

    def _get_attribute(self, key: str) -> Any:
        """Return the attribute `key` as it was recorded (bytes and NaN too), or None. In a query, on the class: the
        value as SQLite has it, to be compared, ordered by or selected; true is 1, and arrays are JSON text."""
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
        # Where a query names the view in no other way, only a column outside the subquery brings it into its FROM.
        return case((column.is_not(None), found))

    attribute = hybrid_method(_get_attribute, _build_attribute)


def related_by(condition: str, **options: Any) -> Any:
    """Return a relationship that is only read, over columns that a view has, as views have no foreign keys. `condition`
    marks the other model's columns with `foreign()` where there may be many of it, else its own."""
    return relationship(primaryjoin=condition, viewonly=True, **options)


def in_span(model: str, trace_id: str = "trace_id", span_id: str = "span_id") -> str:
    """Return the condition for the one span that two columns of `model` name."""
    return f"and_(foreign({model}.{trace_id}) == Span.trace_id, foreign({model}.{span_id}) == Span.span_id)"


def of_span(model: str, trace_id: str = "trace_id", span_id: str = "span_id") -> str:
    """Return the condition for all rows of `model` whose two columns name a span."""
    return f"and_(Span.trace_id == foreign({model}.{trace_id}), Span.span_id == foreign({model}.{span_id}))"


def _refuse(mapper: Mapper[Any], connection: object, target: Model) -> NoReturn:
    raise ReadOnlyError(
        f"{type(target).__name__} is a row of the view {mapper.local_table} and can only be read: "
        "what is in the file is written by its exporters"
    )


for _moment in ("before_insert", "before_update", "before_delete"):
    event.listen(Model, _moment, _refuse, propagate=True)
