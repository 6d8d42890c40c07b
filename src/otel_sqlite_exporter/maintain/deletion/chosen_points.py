# SPDX-License-Identifier: Apache-2.0
"""Finds the series of metrics whose points a rule chooses, and the exemplars of other series that name what it chooses,
in temporary tables of the connection: the file is only read.

A point belongs to no trace. So a rule that selects traces chooses none, but the exemplars of these traces.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.naming_texts import dump, find_needle, list_resources, names_user
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.transactions import transaction

_SESSIONS, _USERS = 1, 2
_AT_ONCE = 2_000
"""Exemplars that one transaction removes."""


class ChosenPoints(NamedTuple):
    """How many points of how many series a rule chooses, and how many exemplars of others."""

    series: int
    points: int
    exemplars: int


def choose_points(
    connection: sqlite3.Connection, rule: DeletionRule, *, users_kind: int, traces: Collection[str]
) -> ChosenPoints:
    """Find what `rule` chooses now, after the records. `users_kind` is the bit of users of the parts that are matched,
    `traces` are the traces of which all records go.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    if not (rule.traces or rule.filter is not None):
        kinds = _match(connection, rule, users_kind)
        services = dump(rule.services) if rule.services else None
        _run(connection, "choose_series", kinds=kinds, services=services, since=rule.since, until=rule.until)
    _run(connection, "choose_exemplars", traces=dump(traces))
    choose_named_exemplars(connection, rule)
    return ChosenPoints._make(connection.execute(read_query("count_chosen_points")).fetchone())


def forget_exemplars(
    connection: sqlite3.Connection, rule: DeletionRule, traces: Collection[str], rest: Callable[[float], object]
) -> int:
    """Remove the exemplars of `traces`, and those that `rule` names, in short transactions, after each of which `rest`
    is called with the seconds that it held the file. Return how many went. Not to be called in a transaction.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written.
    """
    _run(connection, "create_chosen")
    _run(connection, "choose_exemplars", traces=dump(traces))
    choose_named_exemplars(connection, rule)
    removed = 0
    while True:
        with transaction(connection):
            began = time.perf_counter()
            gone = connection.execute(read_query("forget_exemplars"), {"limit": _AT_ONCE}).rowcount
        removed += gone
        if gone < _AT_ONCE:
            return removed
        rest(time.perf_counter() - began)


def choose_named_exemplars(connection: sqlite3.Connection, rule: DeletionRule) -> None:
    """Choose the exemplars that a rule of nothing but traces, sessions or users names."""
    given = [name for name in ("sessions", "traces", "users") if getattr(rule, name)]
    if len(given) != 1 or rule.services or rule.has_time or rule.filter is not None:
        return
    if rule.traces:
        _run(connection, "choose_exemplars", traces=dump(rule.traces))
    else:
        names = rule.sessions or rule.users
        is_named: Callable[[Mapping[str, Any]], bool] = (
            (lambda attributes: names_user(attributes, names))
            if rule.users
            else (lambda attributes: any(value in names for value in attributes.values() if isinstance(value, str)))
        )
        keys = [*_find_exemplars(connection, names, is_named)]
        _run(connection, "choose_naming_exemplars", keys=dump(keys))


def _match(connection: sqlite3.Connection, rule: DeletionRule, users_kind: int) -> int:
    """Match series by sessions and users, and return the bits of these selectors."""
    kinds = 0
    if rule.sessions:
        kinds |= _SESSIONS
        _run(connection, "match_series_of_sessions", names=dump(rule.sessions), kind=_SESSIONS)
    if rule.users:
        kinds |= _USERS
        asked = {"names": dump(rule.users), "kind": users_kind}
        sessions = [id for (id,) in connection.execute(read_query("list_sessions_of_users"), asked)]
        _run(connection, "match_series_of_sessions", names=dump(sessions), kind=_USERS)
        _run(connection, "match_series", names=dump([*_find_series(connection, rule.users)]), kind=_USERS)
    return kinds


def _find_series(connection: sqlite3.Connection, users: Sequence[str]) -> Iterator[int]:
    asked = {
        "needles": dump([*map(find_needle, users)]),
        "resources": dump(list_resources(connection, users)),
    }
    for id, is_named, text, types in connection.execute(read_query("find_naming_series"), asked):
        if is_named or names_user(decode_attributes(text, types), users):
            yield id


def _find_exemplars(
    connection: sqlite3.Connection, names: Sequence[str], is_named: Callable[[Mapping[str, Any]], bool]
) -> Iterator[tuple[int, ...]]:
    asked = {"needles": dump([*map(find_needle, names)])}
    for *key, text, types in connection.execute(read_query("find_naming_exemplars"), asked):
        if is_named(decode_attributes(text, types)):
            yield tuple(key)


def _run(connection: sqlite3.Connection, name: str, **values: object) -> None:
    for statement in split_statements(read_query(name)):
        connection.execute(statement, values)
