# SPDX-License-Identifier: Apache-2.0
"""How to read attributes of one shape: which attribute fills which column of a call or tool. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import Read, ReadAt
from otel_sqlite_exporter.genai.content_sources import ContentPlan
from otel_sqlite_exporter.genai.globs import Glob
from otel_sqlite_exporter.genai.usage import Outside
from otel_sqlite_exporter.model.caches import remember

# From here on, a look at the keys costs less than one for each column.
_MANY = 3

Ask = tuple[str, Read]
"""The name of an attribute, and the function that reads its value."""


Documents = tuple[tuple[str, tuple[str, ...]], ...]


class RowPlan(NamedTuple):
    """How to fill the columns of a row. Each column (by its index) tries some attributes in turn. In `texts` the first
    attribute holds text, which is usually taken unchanged. `sums` are used if nothing else was found. `models` hold one
    that may be the requested or the answering one.

    Many columns may be in the JSON of one attribute. `documents` are such attributes, with the keys of their JSON that
    are asked for: `narrow` takes those that a span has, and returns the plan without the columns that it has not."""

    row: list[Any]
    texts: tuple[tuple[int, str, tuple[Ask, ...]], ...]
    others: tuple[tuple[int, tuple[Ask, ...]], ...]
    sums: tuple[tuple[int, tuple[Ask, ...]], ...]
    models: tuple[Ask, ...]
    documents: Documents
    narrowed: dict[Any, RowPlan]

    def narrow(self, keys: tuple[tuple[str, ...], ...]) -> RowPlan:
        """Return how to fill the columns where each of `documents` has these of its keys."""
        plan = self.narrowed.get(keys)
        if plan is None:
            present = {name: found for (name, _), found in zip(self.documents, keys, strict=True)}
            others = ((column, tuple(ask for ask in asks if _can_have(ask, present))) for column, asks in self.others)
            plan = self._replace(
                others=tuple((column, asks) for column, asks in others if asks),
                models=tuple(ask for ask in self.models if _can_have(ask, present)),
                documents=(),
            )
            remember(self.narrowed, keys, plan)
        return plan


def find_documents(others: Iterable[tuple[int, Sequence[Ask]]]) -> Documents:
    """Return the attributes in whose JSON many columns may be, with the keys of it that are asked for."""
    keys: dict[str, list[str]] = {}
    for name, read in (ask for _, asks in others for ask in asks):
        if isinstance(read, ReadAt) and read.path:
            keys.setdefault(name, []).append(read.path[0])
    return tuple((name, tuple(dict.fromkeys(asked))) for name, asked in keys.items() if len(asked) >= _MANY)


def _can_have(ask: Ask, present: Mapping[str, tuple[str, ...]]) -> bool:
    name, read = ask
    return not isinstance(read, ReadAt) or not read.path or name not in present or read.path[0] in present[name]


class InteractionPlan(NamedTuple):
    """How to read attributes of one shape.

    Attributes:
        names: Patterns of the span's name with the operation that they give.
        operations: Attributes whose value names the operation, if the name of the span does not.
        operation: The operation if none of them does.
        llm, tool: How to fill the columns.
        names_tool: Whether an attribute names a tool.
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
