# SPDX-License-Identifier: Apache-2.0
"""Lets the attribute filters of a list use what `index --attribute` has indexed.

The index gives ids that the rows are among. The filters stay as they are, and so does what they find: the index is
complete, and of text it has the beginnings.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import AskableView
from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_conditions
from otel_sqlite_exporter.query.filter_values import AttributeCondition
from otel_sqlite_exporter.sql.texts import read_query

FEW = 5_000
"""Records. So many are read, checked and sorted in 50 ms. Where a value is more frequent, going through the list in its
order finds a page sooner."""
_LONGEST = 1_000
"""Characters of a text that the index holds: see the view `indexed_attributes`."""
# SQLite orders numbers before texts, and texts before blobs.
_OF_NUMBERS: tuple[Any, Any] = (float("-inf"), float("inf"))
_OF_TEXT: tuple[Any, Any] = ("", b"")
_QUERIES = {
    "sessions": "find_indexed_sessions",
    "traces": "find_indexed_traces",
    "spans": "find_indexed_spans",
    "logs": "find_indexed_logs",
    "complete_llm_interactions": "find_indexed_complete_llm_interactions",
    "complete_tool_interactions": "find_indexed_complete_tool_interactions",
}
"""The query for each view. A row of `events` may show the attributes of a record of another table."""


class Among(NamedTuple):
    """A query for ids that the rows of a page are among, its parameters, and whether they come from at most `FEW`
    records."""

    sql: str
    parameters: Mapping[str, Any]
    are_few: bool


def read_indexed(connection: sqlite3.Connection) -> dict[str, bool]:
    """Return the indexed attributes, by key: whether the index covers all records, so that it is used."""
    rows = connection.execute("SELECT key, max(abs(rest)) = 0 FROM _attribute_keys GROUP BY key ORDER BY key")
    return {key: bool(is_complete) for key, is_complete in rows}


def find_among(connection: sqlite3.Connection, view: AskableView[Any], filters: Mapping[str, Any]) -> Among | None:
    """Return the query for the ids that an index gives for the filter that the fewest records meet; None: no index can
    be used.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    if view.name not in _QUERIES:
        return None
    conditions = [one for one in read_conditions(view, filters) if isinstance(one, AttributeCondition)]
    if not conditions:
        return None
    indexed = read_indexed(connection)
    found = []
    for condition in conditions:
        bounds = _find_bounds(condition)
        if indexed.get(condition.key) and bounds is not None:
            parameters = {"indexed_key": condition.key, "low": bounds[0], "high": bounds[1]}
            records = connection.execute(read_query("count_indexed_values"), {**parameters, "most": FEW})
            found.append((records.fetchone()[0], parameters))
    if not found:
        return None
    number, parameters = min(found, key=lambda one: one[0])
    return Among(read_query(_QUERIES[view.name]), parameters, number <= FEW)


def _find_bounds(condition: AttributeCondition) -> tuple[Any, Any] | None:
    """Return the least and the greatest value in the index that meets the condition, and some that do not; None: it
    would be most."""
    _, operator, value = condition
    if operator in ("exists", "!="):
        return None
    if operator == "GLOB":
        beginning = "".join(_find_beginning(str(value)))[:_LONGEST]
        return (beginning, _find_following(beginning)) if beginning else None
    stored = value[:_LONGEST] if isinstance(value, str) else value
    least, greatest = _OF_TEXT if isinstance(value, str) else _OF_NUMBERS
    return least if operator[0] == "<" else stored, greatest if operator[0] == ">" else stored


def _find_beginning(pattern: str) -> Iterator[str]:
    """Yield the characters with which a text begins that fits a GLOB pattern, whose brackets hold one character."""
    rest = iter(pattern)
    for character in rest:
        if character in "*?":
            return
        yield character if character != "[" else next(rest)
        if character == "[":
            next(rest)


def _find_following(beginning: str) -> Any:
    """Return the least value that follows all texts with this beginning."""
    kept = beginning.rstrip(chr(sys.maxunicode))
    if not kept:
        return _OF_TEXT[1]
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # between them are no characters
