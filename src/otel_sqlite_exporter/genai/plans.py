# SPDX-License-Identifier: Apache-2.0
"""How to read attributes of one shape: which attribute fills which column of a call or tool. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import Read
from otel_sqlite_exporter.genai.content_sources import ContentPlan
from otel_sqlite_exporter.genai.globs import Glob
from otel_sqlite_exporter.genai.usage import Outside

Ask = tuple[str, Read]
"""The name of an attribute, and the function that reads its value."""


class RowPlan(NamedTuple):
    """How to fill the columns of a row. Each column (by its index) tries some attributes in turn. In `texts` the first
    attribute holds text, which is usually taken unchanged. `sums` are used if nothing else was found."""

    row: list[Any]
    texts: tuple[tuple[int, str, tuple[Ask, ...]], ...]
    others: tuple[tuple[int, tuple[Ask, ...]], ...]
    sums: tuple[tuple[int, tuple[Ask, ...]], ...]


class InteractionPlan(NamedTuple):
    """How to read attributes of one shape.

    Attributes:
        names: Patterns of the span's name with the operation that they give.
        operations: Attributes whose value names the operation, if the name of the span does not.
        operation: The operation if none of them does.
        llm, tool: How to fill the columns.
        names_tool: Whether an attribute names a tool.
        models: Attributes with a model that may be the requested or the answering one.
        own_names: Attributes with the name of an agent or tool; with `is_named_by_span` it is the span's name.
        usage: Attributes that may hold numbers of tokens.
        outside: Token parts that the totals do not include. If this depends on the attribute that holds a part, `parts`
            gives it for each attribute.
        first_token_events: Names of events; the first such event marks the first token.
        events: Names of events whose attributes are read with those of the span, by the plan that `plan_again` returns.
        conditions: Attributes of a record, and the patterns of which each must match one, in lower case.
    """

    names: tuple[tuple[Glob, str | None], ...]
    operations: tuple[tuple[str, Read | None, Mapping[str, str | None]], ...]
    operation: str | None
    llm: RowPlan
    tool: RowPlan
    names_tool: bool
    models: tuple[Ask, ...]
    own_names: tuple[Ask, ...]
    is_named_by_span: bool
    usage: tuple[Ask, ...]
    outside: Outside
    parts: tuple[tuple[tuple[Ask, frozenset[str] | None], ...], ...]
    content: ContentPlan
    first_token_events: frozenset[str]
    events: frozenset[str]
    plan_again: Callable[[Mapping[Any, type]], InteractionPlan | None]
    conditions: tuple[tuple[str, tuple[Glob, ...]], ...]
