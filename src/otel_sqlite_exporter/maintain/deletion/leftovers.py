# SPDX-License-Identifier: Apache-2.0
"""What a file holds of removed sessions, traces, users and services beside their records: pins and notes, kept sums,
quarantined records, and counters of the receiver."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.write.statements import remove_rows

_DAY_NS = 86_400 * 10**9
_MOST_DAYS = 2**63 // _DAY_NS
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_TRACE_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class RemovedNames(NamedTuple):
    """The sessions and traces of which all records go."""

    sessions: Collection[str]
    traces: Collection[str]


def forget_leftovers(connection: sqlite3.Connection, deletion: int, rule: DeletionRule, names: RemovedNames) -> int:
    """Remove what the file holds of what the run `deletion` removes, in the caller's transaction, and return how many
    rows that were.

    Raises:
        sqlite3.Error: The file cannot be written.
    """
    removed = _run(connection, "forget_quarantined", ids=_find_quarantined(connection, rule, names))
    only_named = not (rule.users or rule.services or rule.has_time or rule.filter is not None)
    # What has pins or notes alone is named by the rule, and by no record.
    sessions = rule.sessions if only_named and not rule.traces else ()
    traces = rule.traces if only_named and not rule.sessions else ()
    removed += _run(connection, "forget_marks", deletion=deletion, sessions=sessions, traces=traces)
    if rule.sessions or rule.traces or rule.filter is not None:
        return removed
    if rule.users or rule.services:
        first, end = _find_days(rule)
        removed += _run(
            connection,
            "forget_kept_usage",
            users=rule.users or None,
            services=rule.services or None,
            first_day=first,
            end_day=end,
        )
    if rule.services and not rule.users and not rule.has_time:
        removed += _run(connection, "forget_sources", services=rule.services)
    return removed


def _find_days(rule: DeletionRule) -> tuple[int, int]:
    """Return the first day that lies in the range of time, and the first after it that does not."""
    first = -_MOST_DAYS if rule.since is None else -(-rule.since // _DAY_NS)
    return first, _MOST_DAYS if rule.until is None else rule.until // _DAY_NS


def _find_quarantined(connection: sqlite3.Connection, rule: DeletionRule, names: RemovedNames) -> list[int]:
    """Return the keys of the quarantined records that name what is removed; for a range of time alone, of those that
    arrived in it."""
    found = []
    for id, arrival, content in connection.execute("SELECT id, arrival_time_unix_nano, content FROM _quarantine"):
        is_in_time = (rule.since is None or arrival >= rule.since) and (rule.until is None or arrival < rule.until)
        if rule.is_time_alone:
            if is_in_time:
                found.append(id)
            continue
        words = set(_find_words(content))
        is_of_removed = not words.isdisjoint(names.sessions) or not words.isdisjoint(names.traces)
        if is_of_removed or (is_in_time and _is_named(rule, words)):
            found.append(id)
    return found


def _is_named(rule: DeletionRule, words: set[str]) -> bool:
    """Return whether `words` has one of the names of each selector that has names."""
    selectors = [names for names in (rule.sessions, rule.traces, rule.users, rule.services) if names]
    return bool(selectors) and rule.filter is None and not any(words.isdisjoint(names) for names in selectors)


def _find_words(content: str) -> Iterator[str]:
    """Yield the texts in the content of a quarantined record, what stands in quotes in them, and ids of traces."""
    pending: list[Any]
    try:
        pending = [orjson.loads(content)]
    except orjson.JSONDecodeError:
        pending = [content]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str):
            yield value
            for quoted in _QUOTED.finditer(value):
                inner = quoted[1] if quoted[2] is None else quoted[2]
                yield inner
                if "\\" in inner:  # JSON in JSON
                    yield inner.replace("\\'", "'").replace('\\"', '"').replace("\\\\", "\\")
            yield from _TRACE_ID.findall(value)
        elif value is not None and not isinstance(value, bool):
            yield str(value)


def _run(connection: sqlite3.Connection, name: str, **values: Any) -> int:
    """Run the statements of a query, with collections as JSON, and return how many rows they removed."""
    bound = {key: json.dumps([*value]) if isinstance(value, (list, tuple)) else value for key, value in values.items()}
    return remove_rows(connection, name, bound).total()
