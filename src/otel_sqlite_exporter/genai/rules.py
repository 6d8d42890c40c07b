# SPDX-License-Identifier: Apache-2.0
"""The dialects in force: from the names and types of attributes to a plan that says how to read them. Pure, except that
the shipped dialects are loaded once.

Whether a span is a call, and which attribute fills which column, depends only on the shape of its attributes. Many
shapes differ only in attributes that no dialect knows, or in the number of messages: they share a plan.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import orjson

from otel_sqlite_exporter.genai.column_readers import READERS, Read, ReadAt, read_text
from otel_sqlite_exporter.genai.content import plan_content
from otel_sqlite_exporter.genai.globs import compile_glob, find_globs
from otel_sqlite_exporter.genai.plans import Ask, InteractionPlan, RowPlan, find_documents
from otel_sqlite_exporter.genai.providers import VOCABULARY, Providers
from otel_sqlite_exporter.genai.usage import NOBODY, Outside
from otel_sqlite_exporter.model.caches import remember
from otel_sqlite_exporter.model.dialect import AttributeName, ColumnSource, Dialect, parse_dialect, parse_name
from otel_sqlite_exporter.model.rows import LLMInteractionRow, ToolInteractionRow

CALLS, AGENTS, GROUPS, TOOLS, WAITS = (
    frozenset(VOCABULARY["operations"][kind]) for kind in ("call", "agent", "group", "tool", "wait")
)
_GENERAL = "gen_ai"


class Rules:
    """The dialects in force. Thread-safe."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self.dialects = tuple(sorted(dialects, key=lambda dialect: dialect.rank))
        self.names = frozenset(dialect.name for dialect in self.dialects)
        self._providers = Providers(self.dialects)
        self.scopes = frozenset(name for dialect in self.dialects for name in dialect.scopes if name != "*")
        self._records = {name: dialect for dialect in reversed(self.dialects) for name in dialect.records}
        names = [marker for dialect in self.dialects for marker in dialect.markers]
        prefixes = {name[:-1] for name in names if name.endswith(".*")}
        for dialect in self.dialects:
            names += [parse_name(text).name for text in dialect.operations]
            columns = [dialect.attributes, *(record.attributes for record in dialect.records.values())]
            for source in (source for one in columns for sources in one.values() for source in sources):
                if source.is_prefix:
                    prefixes.add(source.names[0].name)
                names += [name.name for name in source.names]
        for dialect in self.dialects:
            names += [name for record in dialect.records.values() for name in (*record.requires, *record.where)]
        self._names = frozenset(names)
        self._prefixes = tuple(sorted(prefixes))
        self._plans: dict[Any, InteractionPlan | None] = {}

    def plan_span(self, types: Mapping[Any, type], scope: str | None = None) -> InteractionPlan | None:
        """Return how to read a span whose attributes have these names and types, or None if no dialect knows them.
        `scope` is one of `scopes`, or None."""
        return self._plan(None, types, scope)

    def find_scope(self, scope: Any) -> str | None:
        """Return the name of an instrumentation scope if a dialect names it. Nothing else of a scope is used."""
        name = getattr(scope, "name", None)
        return name if type(name) is str and name in self.scopes else None

    def plan_record(self, name: str, types: Mapping[Any, type]) -> InteractionPlan | None:
        """Return how to read a span event or log record of this name, or None if no dialect knows it."""
        return self._plan(name, types) if name in self._records else None

    def is_record(self, name: Any) -> bool:
        """Whether span events or log records of this name report calls."""
        return type(name) is str and name in self._records

    def _plan(self, record: str | None, types: Mapping[Any, type], scope: str | None = None) -> InteractionPlan | None:
        # Only names that a dialect knows matter, and of the types only whether it is text.
        present: dict[str, bool] = {}
        for name, kind in types.items():
            if name in self._names:
                present[name] = kind is str
            if type(name) is str and name.startswith(self._prefixes):
                present.update((prefix, False) for prefix in self._prefixes if name.startswith(prefix))
        if not present and scope is None:
            return None
        key = (record, scope, *present.items())
        if key in self._plans:
            return self._plans[key]
        plan = self._make_plan(record, present, scope)
        remember(self._plans, key, plan)
        return plan

    def _make_plan(self, record: str | None, present: Mapping[str, bool], scope: str | None) -> InteractionPlan | None:
        if record is not None:
            dialect = self._records[record]
            rule = dialect.records[record]
            conditions = rule.where
            needed = {name for name, patterns in conditions.items() if None not in patterns}
            if not needed <= present.keys() or (rule.requires and rule.requires.isdisjoint(present)):
                return None
            matching = [dialect._replace(attributes={**dialect.attributes, **rule.attributes})]
        else:
            conditions = {}
            matching = [
                one
                for one in self.dialects
                if scope in one.scopes or any(_bare(marker) in present for marker in one.markers)
            ]
        if not matching:
            return None
        label = next((one.name for one in matching if one.name != _GENERAL and one.attributes), _GENERAL)
        columns = {column: self._find_sources(column, matching, present) for column in _COLUMNS}
        own_names = columns["own_name"]
        outside, parts = self._find_outside(matching, columns)
        operations = tuple(
            (name.name, None if name.path is None else ReadAt(name.path), find_globs(values))
            for dialect in matching
            for name, values in ((parse_name(text), values) for text, values in dialect.operations.items())
            if name.name in present
        )
        scopes = [one.scopes[name] for one in matching for name in (scope or "", "*") if name in one.scopes]
        return InteractionPlan(
            names=tuple((compile_glob(name), operation) for names in scopes for name, operation in names.items()),
            operations=operations,
            operation=None if record is None else matching[0].records[record].operation,
            llm=self._plan_row(LLMInteractionRow, label, columns, present),
            tool=self._plan_row(ToolInteractionRow, label, columns, present),
            names_tool=bool(columns["tool_name"]),
            own_names=tuple(self._ask("own_name", source.names[0]) for source in own_names if source.names[0] != _SPAN),
            is_named_by_span=any(source.names[0] == _SPAN for source in own_names),
            usage=tuple(
                self._ask(column, name) for column in _USAGE for source in columns[column] for name in source.names
            ),
            outside=outside,
            parts=parts,
            content=plan_content(columns),
            first_token_events=frozenset(name for dialect in matching for name in dialect.first_token_events),
            events=frozenset(name for dialect in matching for name in dialect.events),
            plan_again=functools.partial(self._plan, record, scope=scope),
            conditions=tuple(
                (name, tuple(compile_glob(pattern.lower()) for pattern in patterns if pattern is not None))
                for name, patterns in conditions.items()
                if name in present
            ),
        )

    def _find_sources(
        self, column: str, matching: Iterable[Dialect], present: Mapping[str, bool]
    ) -> list[ColumnSource]:
        sources = [source for dialect in matching for source in dialect.attributes.get(column, ())]
        if column in _CONTENT:
            sources = [_leave_out_absent(source, present) if source.keys else source for source in sources]
        some = any if column in _CONTENT else all
        return [source for source in sources if some(name.name in present or name == _SPAN for name in source.names)]

    def _plan_row(
        self, row: Any, label: str, columns: Mapping[str, Sequence[ColumnSource]], present: Mapping[str, bool]
    ) -> RowPlan:
        texts, others, sums = [], [], []
        for index, column in enumerate(row._fields):
            asks: list[Ask] = []
            for given in _GIVEN_AS.get(column, (column,)):
                for source in columns.get(given, ()) if column not in _CONTENT else ():
                    if source.is_sum:
                        sums.append((index, tuple(self._ask(given, name) for name in source.names)))
                    else:
                        asks.append(self._ask(given, source.names[0]))
            if not asks:
                continue
            first, read = asks[0]
            if read is read_text and present[first]:
                texts.append((index, first, tuple(asks)))
            else:
                others.append((index, tuple(asks)))
        empty: list[Any] = [None] * len(row._fields)
        empty[row._fields.index("dialect")] = label
        models = tuple(self._ask("model", source.names[0]) for source in columns["model"] if row is LLMInteractionRow)
        documents = find_documents([*others, (0, models)])
        return RowPlan(empty, tuple(texts), tuple(others), tuple(sums), models, documents, {})

    def _find_outside(
        self, matching: Iterable[Dialect], columns: Mapping[str, Sequence[ColumnSource]]
    ) -> tuple[Outside, tuple[tuple[tuple[Ask, frozenset[str] | None], ...], ...]]:
        declared: dict[str, frozenset[str] | None] = {}
        # What a package says of itself comes before what is usual under OpenTelemetry's names.
        for dialect in sorted(matching, key=lambda one: one.name == _GENERAL):
            for name, providers in dialect.outside.items():
                declared.setdefault(name, providers)
        parts = tuple(
            tuple(
                (self._ask(column, source.names[0]), declared.get(_write(source.names[0]), NOBODY))
                for source in columns[column]
            )
            for column in _PARTS
        )
        outside = Outside(*(part[0][1] if part else NOBODY for part in parts))
        is_sure = all(providers == first for part, first in zip(parts, outside, strict=True) for _, providers in part)
        return outside, () if is_sure else parts

    def _ask(self, column: str, name: AttributeName) -> Ask:
        read: Read = READERS.get(column, read_text)
        if column == "provider":
            read = self._read_provider
        return (name.name, read if name.path is None else ReadAt(name.path, read))

    def _read_provider(self, value: Any) -> str | None:
        text = read_text(value)
        return None if text is None else self._providers[text]


@functools.cache
def load_rules() -> Rules:
    """Return the shipped dialects."""
    return Rules(_load_dialects())


def extend_rules(dialects: Sequence[Dialect]) -> Rules:
    """Return the shipped dialects and these. One of these replaces a shipped one of the same name."""
    if not dialects:
        return load_rules()
    named = {dialect.name: dialect for dialect in (*_load_dialects(), *dialects)}
    return Rules(named.values())


@functools.cache
def read_dialects() -> tuple[bytes, ...]:
    """Return the contents of the files of the shipped dialects, in no order."""
    folder = files(__package__).joinpath("dialects")
    return tuple(file.read_bytes() for file in folder.iterdir() if file.name.endswith(".json"))


@functools.cache
def _load_dialects() -> tuple[Dialect, ...]:
    return tuple(parse_dialect(orjson.loads(content)) for content in read_dialects())


def _leave_out_absent(source: ColumnSource, present: Container[str]) -> ColumnSource:
    given = [(key, name) for key, name in zip(source.keys, source.names, strict=True) if name.name in present]
    return source._replace(keys=tuple(key for key, _ in given), names=tuple(name for _, name in given))


def _write(name: AttributeName) -> str:
    return name.name if name.path is None else "#".join((name.name, *name.path))


def _bare(marker: str) -> str:
    return marker[:-1] if marker.endswith(".*") else marker


_SPAN = AttributeName("@name")
_USAGE = ("input_tokens", "output_tokens", "total_tokens")
_PARTS = ("cached_input_tokens", "cache_creation_input_tokens", "reasoning_tokens")
_CONTENT = frozenset(("system_instructions", "prompt", "completion", "request_parameters", "arguments", "result"))
_GIVEN_AS = {
    "time_to_first_token_ms": ("time_to_first_token_ms", "time_to_first_token_s"),
    "error_type": ("error_type", "success"),
}
_COLUMNS = (
    *dict.fromkeys((*LLMInteractionRow._fields, *ToolInteractionRow._fields)),
    "time_to_first_token_s",
    "success",
    "own_name",
    "conversation",
    "model",
)
