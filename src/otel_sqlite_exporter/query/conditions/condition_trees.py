# SPDX-License-Identifier: Apache-2.0
"""Conditions on a row of a view. Keywords and filter texts both become these, and `condition_writer` makes them SQL.

A condition on a column that the view lacks is one on its model calls or tool executions: one of them must meet it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.filter_values import AttributeCondition


class TextCondition(NamedTuple):
    """The column has one of these texts, or one that fits one of these GLOB patterns. So may a column beside it, see
    `ALSO`, unless it `is_exact`."""

    column: str
    texts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    is_exact: bool = False


class NumberCondition(NamedTuple):
    """The column compares so to a number, a moment or a flag. `name`: of the parameter, if not that of the column."""

    column: str
    operator: str
    value: int | float
    name: str = ""


class ExistsCondition(NamedTuple):
    """The column has a value."""

    column: str


class ContentCondition(NamedTuple):
    """All texts of one of these groups occur in one record that is looked through for a row: see `CONTENTS` in
    `condition_writer`. They are folded."""

    texts: tuple[tuple[str, ...], ...]


class AllOf(NamedTuple):
    """Every one is met; none: every row is meant."""

    parts: tuple[Condition, ...]


class AnyOf(NamedTuple):
    """One of these, which are one or more, is met."""

    parts: tuple[Condition, ...]


class NotMet(NamedTuple):
    """The condition is not met: of a column without a value too."""

    part: Condition


Condition = (
    TextCondition | NumberCondition | ExistsCondition | AttributeCondition | ContentCondition | AllOf | AnyOf | NotMet
)


def simplify(condition: Condition) -> Condition:
    """Return a condition that the same rows meet, with fewer parts: a part about the calls of a row is a subquery, and
    the time that SQLite takes grows with the square of their number.

    Only texts side by side change their meaning: they must occur in the same record.
    """
    if isinstance(condition, NotMet):
        return NotMet(simplify(condition.part))
    if isinstance(condition, AnyOf):
        return _join_any([simplify(part) for part in condition.parts])
    if isinstance(condition, AllOf):
        parts = [*_split_all(simplify(part) for part in condition.parts)]
        refused = [part.part for part in parts if isinstance(part, NotMet)]
        texts = [part.texts[0] for part in parts if isinstance(part, ContentCondition) and len(part.texts) == 1]
        parts = [part for part in parts if not isinstance(part, NotMet) and not _is_plain(part)]
        if texts:
            parts.append(ContentCondition((tuple(text for group in texts for text in group),)))
        if refused:
            parts += [NotMet(part) for part in _split_any([_join_any(refused)])]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
    return condition


def _is_plain(condition: Condition) -> bool:
    return isinstance(condition, ContentCondition) and len(condition.texts) == 1


def _split_all(conditions: Iterable[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        if isinstance(condition, AllOf):
            yield from condition.parts
        else:
            yield condition


def _split_any(conditions: Iterable[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        if isinstance(condition, AnyOf):
            yield from condition.parts
        else:
            yield condition


def _join_any(conditions: Sequence[Condition]) -> Condition:
    contents: list[tuple[str, ...]] = []
    columns: dict[tuple[str, bool], TextCondition] = {}
    others: list[Condition] = []
    for one in _split_any(conditions):
        if isinstance(one, ContentCondition):
            contents += one.texts
        elif isinstance(one, TextCondition):
            key = one.column, one.is_exact
            _, texts, patterns, _ = columns.get(key, TextCondition(one.column))
            merged = (tuple(dict.fromkeys((*texts, *one.texts))), tuple(dict.fromkeys((*patterns, *one.patterns))))
            columns[key] = TextCondition(one.column, *merged, one.is_exact)
        else:
            others.append(one)
    parts = (*columns.values(), *others, *([ContentCondition(tuple(dict.fromkeys(contents)))] if contents else []))
    return parts[0] if len(parts) == 1 else AnyOf(parts)
