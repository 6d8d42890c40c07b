# SPDX-License-Identifier: Apache-2.0
"""Conditions on a row of a view. Keywords and filter texts both become these, and `condition_writer` makes them SQL.

A condition on a column that the view lacks is one on its model calls or tool executions: one of them must meet it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.query.filter_values import AttributeCondition


class TextCondition(NamedTuple):
    """The column has one of these texts, or one that fits one of these GLOB patterns."""

    column: str
    texts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


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
    """The folded text occurs in what is looked through of a row: see `CONTENTS` in `condition_writer`."""

    text: str


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


def split_conjunction(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """Yield the conditions that must all be met, none of which is an `AllOf`."""
    for condition in conditions:
        if isinstance(condition, AllOf):
            yield from split_conjunction(condition.parts)
        else:
            yield condition


def join_any(parts: Sequence[Condition]) -> Condition:
    """Return the condition that one of `parts` is met."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))
