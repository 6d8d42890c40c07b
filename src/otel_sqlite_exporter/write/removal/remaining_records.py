# SPDX-License-Identifier: Apache-2.0
"""What the records that stay in a trace say about it: its session and user, its root and times; and of a session
in it the strongest source and the times."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_sqlite_exporter.encode.resources import find_resource_session
from otel_sqlite_exporter.encode.sessions import USER_ATTRIBUTES, find_naming, plan_naming
from otel_sqlite_exporter.model.rows import Naming
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.batch_lookup import NO_SPAN, NO_TIMES
from otel_sqlite_exporter.write.statements import encode_parameters, run_script

_NO_NAMING = (None,) * 5


@dataclass(slots=True)
class _Times:
    """The first and the last time of records. Those of scores count where there are no others."""

    own: tuple[int, int] = NO_TIMES
    of_scores: tuple[int, int] = NO_TIMES

    def add(self, start: int, end: int, *, is_score: bool) -> None:
        if is_score:
            self.of_scores = min(self.of_scores[0], start), max(self.of_scores[1], end)
        else:
            self.own = min(self.own[0], start), max(self.own[1], end)

    def shown(self) -> tuple[int, int]:
        return self.of_scores if self.own == NO_TIMES else self.own


@dataclass(slots=True)
class _Trace:
    session: Naming | None = None
    user: Naming | None = None
    entry_rank: int | None = None
    root: tuple[int, int, str] = (NO_SPAN, 0, "")
    times: _Times = field(default_factory=_Times)

    def offer_names(self, session: Naming | None, user: Naming | None) -> None:
        if session is not None:
            if self.session is None or session < self.session:
                self.session = session
            if not session.is_child and (self.entry_rank is None or session.rank < self.entry_rank):
                self.entry_rank = session.rank
        if user is not None and (self.user is None or user < self.user):
            self.user = user

    def list_names(self) -> list[Any]:
        """Return the columns of name_traces.sql."""
        columns: list[list[Any]] = []
        for naming in (self.session, self.user):
            rank, is_child, time, name, source = _NO_NAMING if naming is None else naming
            columns.append([name, rank, is_child, time, source])
        return [*columns[0], self.entry_rank, *columns[1]]


@dataclass(slots=True)
class _SessionPart:
    source: tuple[int, str] | None = None
    times: _Times = field(default_factory=_Times)


class RemainingRecords:
    """What records tell that are read, of all their traces and rows of `_trace_sessions`. Reading a record twice
    changes nothing."""

    def __init__(self, connection: sqlite3.Connection, session_attributes: Sequence[str]) -> None:
        self._connection, self._session_attributes = connection, session_attributes
        self._traces: dict[int, _Trace] = {}
        self._parts: dict[int, _SessionPart] = {}
        self._resources: dict[int, Naming | None] = {}
        self.count = 0

    def read(self, parts: Collection[int], *, record: int = 0, log: int = 0) -> None:
        """Read the records of these rows of `_trace_sessions`: the spans that started or ended after the id `record`,
        and the log records after the id `log`. Adds those that came after these ids to `count`."""
        values: dict[str, Any] = {**encode_parameters({"parts": parts}), "record": record, "log": log}
        for row in self._connection.execute(read_query("read_remaining"), values):
            self._add(row[:-1])
            self.count += row[-1]

    def write(self) -> None:
        """Write what they tell to the rows of their traces. All that stays in a trace must have been read."""
        traces = [[id, *trace.times.shown(), *trace.root] for id, trace in self._traces.items()]
        parts = [[id, *part.times.shown(), *_reverse(part.source)] for id, part in self._parts.items()]
        run_script(self._connection, "note_remaining", traces=traces, parts=parts)
        named = [[id, *trace.list_names()] for id, trace in self._traces.items()]
        run_script(self._connection, "name_traces", traces=named)

    def _add(self, row: Sequence[Any]) -> None:
        trace_id, is_real, part_id, is_log, start, end, is_child, rank, span_id, resource, *named = row
        part = self._parts.setdefault(part_id, _SessionPart())
        is_score = bool(named[-1])
        part.times.add(start, end, is_score=is_score)
        own, session, user = self._find_names(is_log, is_child, start, resource, *named)
        if own is not None:
            source = (own.rank, own.source)
            part.source = source if part.source is None else min(part.source, source)
        if is_real:
            trace = self._traces.setdefault(trace_id, _Trace())
            trace.times.add(start, end, is_score=is_score)
            if not is_log:
                trace.root = min(trace.root, (rank, start, span_id))
            trace.offer_names(session, user)

    def _find_names(
        self,
        is_log: int,
        is_child: int,
        time: int,
        resource: int,
        own_name: str | None,
        source: str | None,
        rank: int | None,
        text: str | None,
        types: str | None,
        is_score: int,
    ) -> tuple[Naming | None, Naming | None, Naming | None]:
        """Return the session that a record names itself, and the session and the user that it offers to its trace."""
        if text is None:
            return None, None, None
        attributes = decode_attributes(text, types)
        own = find_naming(plan_naming(self._session_attributes, attributes), attributes, bool(is_child), time)
        weaker = self._find_resource_session(resource)
        if own_name is None:
            own = None
        elif own is None or own.name != own_name:
            # Outside of traces it is that of the resource. Else it was written under other settings.
            is_weaker = bool(is_log) and weaker is not None and weaker.name == own_name
            own = weaker if is_weaker else Naming(rank or 0, is_child, time, own_name, source or "")
        if is_score:  # the process and the person that judge are not those of what is judged
            return own, own, None
        user = find_naming(plan_naming(USER_ATTRIBUTES, attributes), attributes, bool(is_child), time)
        if own is not None:
            return own, own, user
        if weaker is not None:
            weaker = weaker._replace(is_child=1 if is_log else is_child, time_unix_nano=time)
        return None, weaker, user

    def _find_resource_session(self, resource: int) -> Naming | None:
        if resource not in self._resources:
            columns = self._connection.execute(read_query("get_resource_attributes"), {"resource": resource}).fetchone()
            self._resources[resource] = find_resource_session(decode_attributes(*columns), self._session_attributes)
        return self._resources[resource]


def _reverse(source: tuple[int, str] | None) -> tuple[str | None, int | None]:
    return (None, None) if source is None else (source[1], source[0])
