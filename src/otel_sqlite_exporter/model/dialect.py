# SPDX-License-Identifier: Apache-2.0
"""A dialect maps the attribute names of one instrumentation or convention to the columns of model and tool calls.

A dialect is a JSON file: docs/dialects.md describes its keys, and `genai/dialects/` holds the shipped ones. A source
of a column is written in one of these ways:

* `name`: the attribute of this name. `@name` is the name of the span.
* `name#key`: the value of `key` in the JSON that the attribute holds; further `#key` parts go deeper, `#-1` is the
  last of a list, and `name#` is the whole JSON.
* `name.*`: all attributes whose names begin with `name.`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

TOKENS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_input_tokens",
    "cache_creation_input_tokens",
    "reasoning_tokens",
)
NUMBERS = frozenset((*TOKENS, "cost_usd", "time_to_first_token_ms", "time_to_first_token_s", "duration_ms"))
"""Columns that hold numbers. Only these can be read as the sum of several attributes."""
MESSAGES = frozenset(("system_instructions", "prompt", "completion", "conversation", "request_parameters"))
"""Columns that can be read from several attributes: from a map of them, or from all with one prefix."""
CONTENT = frozenset(("system_instructions", "prompt", "completion", "conversation", "arguments", "result"))
"""Columns that stay empty when `capture_content` is false."""
TEXTS = frozenset(
    (
        "provider",
        "request_model",
        "response_model",
        "model",
        "response_id",
        "agent_name",
        "own_name",
        "finish_reasons",
        "error_type",
        "tool_name",
        "tool_call_id",
        "tool_type",
        "arguments",
        "result",
        "success",
    )
)
COLUMNS = TEXTS | MESSAGES | NUMBERS
"""The columns that a dialect can map. `own_name` is the name of a span that is an agent or a tool. `success` false
means an error of unknown type. `conversation` holds prompt and completion together. `model` is the model that answered
or, if that is unknown, the model asked for."""


class AttributeName(NamedTuple):
    """One attribute or, with a `path`, the value at these keys of the JSON in it."""

    name: str
    path: tuple[str, ...] | None = None


class ColumnSource(NamedTuple):
    """Where a column's value is: in the first of `names` that is set. With `is_sum` it is their sum, with `keys` a map
    of them under these keys, with `is_prefix` all attributes whose names begin with the only one of `names`."""

    names: tuple[AttributeName, ...]
    is_sum: bool = False
    keys: tuple[str, ...] = ()
    is_prefix: bool = False


class RecordRule(NamedTuple):
    """Span events or log records of one name that report a call.

    Attributes:
        operation: Their operation if they do not name one.
        requires: Attributes that identify them: one must be set. Empty: no condition.
        where: Each of these attributes must have a value that matches a pattern. None among these: it may be missing.
        attributes: Columns that they fill from other attributes than the dialect.
    """

    operation: str | None
    requires: frozenset[str]
    where: Mapping[str, tuple[str | None, ...]]
    attributes: Mapping[str, tuple[ColumnSource, ...]]


class Dialect(NamedTuple):
    """One dialect. If a span matches several, the one with the lowest `rank` is read first.

    Attributes:
        operations: By attribute name, a map from its values to our operations. None: the span is not a call, whatever
            else it holds. The value `*` stands for every other value, and keeps it.
        outside: Token attributes that input or output tokens do not include, with the providers for which this holds
            (None: for all).
        first_token_events: Names of span events; the first such event marks the first token.
        scopes: Names of instrumentation scopes whose spans use the dialect. Each has patterns of span names with our
            operations, which come before `operations`. None: the span is not a call. The scope `*` is any; it makes no
            span use the dialect.
        events: Names of span events whose attributes are read as if they were those of the span.
    """

    name: str
    rank: int
    markers: tuple[str, ...]
    operations: Mapping[str, Mapping[str, str | None]]
    providers: Mapping[str, str | None]
    attributes: Mapping[str, tuple[ColumnSource, ...]]
    outside: Mapping[str, frozenset[str] | None]
    records: Mapping[str, RecordRule]
    first_token_events: tuple[str, ...] = ()
    scopes: Mapping[str, Mapping[str, str | None]] = MappingProxyType({})
    events: tuple[str, ...] = ()


KEYS = {
    "name",
    "title",
    "read",
    "source",
    "rank",
    "markers",
    "operations",
    "providers",
    "attributes",
    "outside",
    "records",
    "first_token_events",
    "scopes",
    "events",
}
"""The keys of a dialect's file."""
_REQUIRED = {"name", "markers", "attributes"}


def read_dialects(paths: Iterable[str]) -> tuple[Dialect, ...]:
    """Return the dialects in these files.

    Raises:
        ValueError: A file cannot be read, or holds no dialect.
    """
    dialects = []
    for path in paths:
        try:
            content = Path(path).read_bytes()
        except (OSError, ValueError) as error:  # a ValueError: the file system cannot encode the path
            why = getattr(error, "strerror", error)
            raise ValueError(f"give paths of JSON files; {path} cannot be read ({why})") from None
        try:
            dialects.append(parse_dialect(json.loads(content)))
        except ValueError as error:
            raise ValueError(f"give files that hold a dialect, as docs/dialects.md says; {path}: {error}") from None
    return tuple(dialects)


def find_content_names(dialects: Iterable[Dialect]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the names of attributes that hold content by these dialects, and the prefixes of such names."""
    sources = [source for one in dialects for column in CONTENT for source in one.attributes.get(column, ())]
    names = frozenset(name.name for source in sources if not source.is_prefix for name in source.names)
    return names, tuple(sorted({source.names[0].name for source in sources if source.is_prefix}))


def parse_dialect(content: Any) -> Dialect:
    """Return the dialect that a JSON object describes.

    Raises:
        ValueError: It does not describe one; the message says why.
    """
    fields = _expect_map(content, "the file")
    _refuse_others(fields, KEYS, "the file")
    missing = _REQUIRED - set(fields)
    if missing:
        raise ValueError(f"the file lacks {_join(missing)}")
    if not isinstance(fields["name"], str) or not fields["name"]:
        raise ValueError("name must be a text")
    rank = fields.get("rank", 0)
    if type(rank) is not int:
        raise ValueError("rank must be a whole number")
    markers = tuple(_expect_texts(fields["markers"], "markers"))
    records = _expect_map(fields.get("records", {}), "records")
    scopes = _expect_map(fields.get("scopes", {}), "scopes")
    if not (markers or records or scopes):
        raise ValueError("markers is empty, and there are no scopes and no records: give at least one of them")
    operations = _expect_map(fields.get("operations", {}), "operations")
    outside = _expect_map(fields.get("outside", {}), "outside")
    return Dialect(
        name=fields["name"],
        rank=rank,
        markers=markers,
        operations={name: _expect_names(values, f"operations.{name}") for name, values in operations.items()},
        providers=_expect_names(fields.get("providers", {}), "providers"),
        attributes=_parse_attributes(fields["attributes"], "attributes"),
        outside={name: _parse_providers(name, providers) for name, providers in outside.items()},
        records={name: _parse_record(name, record) for name, record in records.items()},
        first_token_events=tuple(_expect_texts(fields.get("first_token_events", []), "first_token_events")),
        scopes={name: _expect_names(names, f"scopes.{name}") for name, names in scopes.items()},
        events=tuple(_expect_texts(fields.get("events", []), "events")),
    )


def parse_name(text: str) -> AttributeName:
    """Parse `name` or `name#key`."""
    name, *path = text.split("#")
    return AttributeName(name, None if not path else tuple(path) if path != [""] else ())


def _parse_attributes(columns: Any, where: str) -> Mapping[str, tuple[ColumnSource, ...]]:
    _refuse_others(_expect_map(columns, where), COLUMNS, where)
    return {column: _parse_sources(column, sources, f"{where}.{column}") for column, sources in columns.items()}


def _parse_sources(column: str, sources: Any, where: str) -> tuple[ColumnSource, ...]:
    if not isinstance(sources, list) or not sources:
        raise ValueError(f"{where} must be a list of names")
    return tuple(_parse_source(column, source, where) for source in sources)


def _parse_source(column: str, source: Any, where: str) -> ColumnSource:
    if isinstance(source, str) and source.strip("#"):
        if not source.endswith(".*"):
            return ColumnSource((parse_name(source),))
        if column in MESSAGES:
            return ColumnSource((AttributeName(source[:-1]),), is_prefix=True)
        raise ValueError(f"{where}: {source} ends in .*, which only these columns allow: {_join(MESSAGES)}")
    if isinstance(source, list) and source and column in NUMBERS:
        return ColumnSource(tuple(parse_name(name) for name in _expect_texts(source, where)), is_sum=True)
    if isinstance(source, dict) and source and column in MESSAGES:
        names = _expect_texts(list(source.values()), where)
        return ColumnSource(tuple(map(parse_name, names)), keys=tuple(source))
    raise ValueError(f"{where} holds {source!r}, which is not a source that this column can take")


def _parse_providers(name: str, providers: Any) -> frozenset[str] | None:
    return None if providers is True else frozenset(_expect_texts(providers, f"outside.{name}"))


def _parse_record(name: str, record: Any) -> RecordRule:
    where = f"records.{name}"
    fields = _expect_map(record, where)
    _refuse_others(fields, {"operation", "requires", "where", "attributes"}, where)
    operation = fields.get("operation")
    if operation is not None and not isinstance(operation, str):
        raise ValueError(f"{where}.operation must be a text")
    values = _expect_map(fields.get("where", {}), f"{where}.where")
    return RecordRule(
        operation,
        frozenset(_expect_texts(fields.get("requires", []), f"{where}.requires")),
        {attribute: _parse_patterns(one, f"{where}.where.{attribute}") for attribute, one in values.items()},
        _parse_attributes(fields.get("attributes", {}), f"{where}.attributes"),
    )


def _parse_patterns(patterns: Any, where: str) -> tuple[str | None, ...]:
    if not isinstance(patterns, list):
        raise ValueError(f"{where} must be a list of texts and null")
    _expect_texts([pattern for pattern in patterns if pattern is not None], where)
    return tuple(patterns)


def _expect_map(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a JSON object")
    return value


def _expect_texts(value: Any, where: str) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise ValueError(f"{where} must be a list of texts")
    return value


def _expect_names(value: Any, where: str) -> Mapping[str, str | None]:
    names = _expect_map(value, where)
    if not all(name is None or isinstance(name, str) for name in names.values()):
        raise ValueError(f"{where} may only hold texts and null")
    return names


def _refuse_others(fields: Mapping[str, Any], known: Collection[str], where: str) -> None:
    others = set(fields) - set(known)
    if others:
        raise ValueError(f"{where} has unknown keys: {_join(others)}; known are {_join(known)}")


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
